"""How heavy a document may be: long values go to blobs or are cut, with a mark."""
