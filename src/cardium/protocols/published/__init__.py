"""EchoXFlow's benchmark as its released code behaves, bug for bug."""
