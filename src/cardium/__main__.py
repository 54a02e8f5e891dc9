"""Run the command line: ``python -m cardium``."""

from cardium.cli import main

if __name__ == "__main__":
    main()
