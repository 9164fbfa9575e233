"""Hub: an open, plugin-based integration hub. Plugins fetch, core decides."""

__version__ = "0.1.0"

#: Version of the plugin contract (major, minor). A new optional hook argument raises minor; a removal raises major.
HUB_API = (1, 0)
