"""How EchoXFlow stores what it holds: reading one store, and writing a release."""
