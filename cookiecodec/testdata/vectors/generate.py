#!/usr/bin/env python3
"""Writes sealed.json and records.json: known answers for the sealed format.

It is an implementation of its own, made from the table in the package
documentation: the Go code has to agree with it. Salts come from a counter.
Needs the Python package cryptography.
"""

import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = pathlib.Path(__file__).parent
# 256 and 512 bits, random. ParseKey refuses both: everybody can know them.
KEYS = [
    "752ad11d6b7bef0a0f9f9accb76a6419580973dafa9670955b7e5084bba3c51a",
    "d1182382011cb36f177fa2fae16e843ad98835444aa8f0680de1c853a77206fc"
    "35f8b9f54998e8e0e64d4e78db25c9d3897e6cbe122555757ee90a94da40de35",
]
VERSION = b"\xe1"


def extract(key):
    return hmac.digest(bytes(32), key, "sha256")


def expand(prk, info, length):
    out = block = b""
    counter = 0
    while len(out) < length:
        counter += 1
        block = hmac.digest(prk, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def seal(key, salt, payload, *fields):
    prk = extract(key)
    key_id = expand(prk, b"scarab key id 1", 8)
    derived = expand(prk, b"scarab sealed 1" + salt, 48)
    padded = payload + b"\x80"
    padded += bytes(-len(padded) % 64)
    associated = b"".join(
        len(f).to_bytes(4, "big") + f for f in (VERSION, key_id, *fields)
    )
    sealed = AESGCM(derived[:32]).encrypt(bytes(12), padded, associated)
    return key_id, VERSION + key_id + salt + derived[32:] + sealed


def salt(n):
    return hashlib.sha256(b"salt %d" % n).digest()[:24]


def cookies():
    n = 0
    for name, audience, payload in [
        ("__Host-session", "", b""),
        ("__Host-session", "", b'[1700000007, 1700000000.25, {"a": 1}]'),
        ("session", "", b'[1700000007, 1700000000.25, {"a": 1}]'),
        ("session", "tenant 7", b'[1700000007, 1700000000.25, {"a": 1}]'),
        ("session", "", b"x" * 63),
        ("session", "", b"x" * 64),
        ("session", "", b"ends like padding\x80\0\0"),
        ("n", "m\u00fcnchen", bytes(range(256))),
    ]:
        for key in map(bytes.fromhex, KEYS):
            n += 1
            key_id, box = seal(
                key, salt(n), payload, audience.encode(), b"cookie", name.encode()
            )
            yield {
                "key": key.hex(),
                "key_id": key_id.hex(),
                "salt": salt(n).hex(),
                "audience": audience,
                "name": name,
                "payload": payload.hex(),
                "value": base64.urlsafe_b64encode(box).rstrip(b"=").decode(),
            }


def records():
    n = 1000
    for audience, principal, data in [
        ("", "", b""),
        ("", "anna", b"\x01\0\0"),
        ("shop", "anna", b"\x01" + b"data" * 40),
    ]:
        for key in map(bytes.fromhex, KEYS):
            n += 1
            handle = hashlib.sha256(b"handle %d" % n).digest()[:16]
            secret = hashlib.sha256(b"secret %d" % n).digest()
            key_id, box = seal(
                key,
                salt(n),
                data,
                audience.encode(),
                b"record",
                handle,
                secret,
                principal.encode(),
            )
            yield {
                "key": key.hex(),
                "key_id": key_id.hex(),
                "salt": salt(n).hex(),
                "audience": audience,
                "handle": handle.hex(),
                "secret": secret.hex(),
                "principal": principal,
                "data": data.hex(),
                "sealed": box.hex(),
            }


for file, vectors in [("sealed.json", cookies()), ("records.json", records())]:
    (HERE / file).write_text(json.dumps(list(vectors), indent=1) + "\n")
