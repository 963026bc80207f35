"""What goes through the pipes between the service and a decoding child."""

import struct

# format, width and height as scanned, largest result wanted in bytes, length of the picture
REQUEST = struct.Struct(">4sIIII")
# kind, width, height, length of what follows: the picture, or the sentence of a refusal
ANSWER = struct.Struct(">BIII")
REFUSED, PNG, JPEG = range(3)
