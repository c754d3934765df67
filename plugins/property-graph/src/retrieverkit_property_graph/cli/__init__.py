"""The command ``retriever graph``. It imports nothing of the registry: that hands it `Tools`."""
