"""Verifies every DKIM signature of a message with dkimpy: verify.py RECORDS MESSAGE.

RECORDS is a JSON file that stands for the DNS. Prints the selector of each signature that verifies,
and ends with 1 if one does not.
"""
import json
import pathlib
import sys

import dkim

records = json.loads(pathlib.Path(sys.argv[1]).read_text())
message = pathlib.Path(sys.argv[2]).read_bytes()


def look_up(name, timeout=5):
    record = records.get(name.decode() if isinstance(name, bytes) else name)
    return record and record.encode()


for index in range(message.split(b"\r\n\r\n")[0].lower().count(b"dkim-signature:")):
    verifier = dkim.DKIM(message, minkey=2048)
    try:
        is_genuine = verifier.verify(idx=index, dnsfunc=look_up)
    except dkim.ValidationError as error:
        sys.exit(f"signature {index}: {error}")
    if not is_genuine:
        sys.exit(f"signature {index} does not verify")
    if b"l" in verifier.signature_fields:
        sys.exit(f"signature {index} leaves the end of the body open")
    print(verifier.selector.decode())
