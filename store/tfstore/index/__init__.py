"""The index: a cache made of the documents, to find sessions without reading them all."""
