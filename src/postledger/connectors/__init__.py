"""The network: one folder per kind of platform, all behind `contract`."""
