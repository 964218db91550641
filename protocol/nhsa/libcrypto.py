"""SM2 signatures by the OpenSSL that the interpreter itself is linked with (ADR 0017).

The whole of the native side: keys as handles, sign, verify. What is signed here is the digest
e = SM3(Z ‖ M), a signature is DER; hashing and every other encoding is `gm`'s business. OpenSSL 3
or later, built with SM2, is needed, which is asked at the first use and not at import: without any
SM2 key nothing is loaded.
"""

from __future__ import annotations

import _hashlib
import ctypes
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_long, c_size_t, c_void_p
from functools import cache
from typing import Any

SIGNATURE_BYTES_MAX = 72

_PROBE = bytes.fromhex(
    "3059301306072a8648ce3d020106082a811ccf5501822d03420004"
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)
"""The base point as a public key: a library that reads it knows the curve."""


class Sm2UnavailableError(Exception):
    """No OpenSSL with SM2 was found on this machine."""


class Sm2Key:
    """A public or private key inside the library. Safe to share between threads: it is only read.

    Raises ValueError for what is not exactly one SM2 key, or a point that is not on the curve.
    """

    __slots__ = ("_handle", "_library")

    def __init__(self, der: bytes, *, private: bool = False) -> None:
        """Of a SubjectPublicKeyInfo, or of a private key as PKCS #8 or SEC 1."""
        library = load_library()
        read = library.d2i_AutoPrivateKey if private else library.d2i_PUBKEY
        buffer = ctypes.create_string_buffer(der, len(der))
        place = c_void_p(ctypes.addressof(buffer))
        self._library = library
        self._handle: int | None = read(None, ctypes.byref(place), len(der))
        whole = place.value == ctypes.addressof(buffer) + len(der)
        if not self._handle or not whole or library.EVP_PKEY_is_a(self._handle, b"SM2") != 1:
            library.ERR_clear_error()
            raise ValueError("not an SM2 key")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.EVP_PKEY_free(self._handle)

    def public_der(self) -> bytes:
        """The public half as a SubjectPublicKeyInfo."""
        length = self._library.i2d_PUBKEY(self._handle, None)
        buffer = ctypes.create_string_buffer(max(length, 0))
        place = c_void_p(ctypes.addressof(buffer))
        self._library.i2d_PUBKEY(self._handle, ctypes.byref(place))
        return buffer.raw

    def verify(self, digest: bytes, signature: bytes) -> bool:
        """Whether a DER signature of the digest e is this key's. Does not hold the GIL."""
        library = self._library
        context: int | None = library.EVP_PKEY_CTX_new(self._handle, None)
        try:
            right: bool = (
                library.EVP_PKEY_verify_init(context) == 1
                and library.EVP_PKEY_verify(
                    context, signature, len(signature), digest, len(digest)
                )
                == 1
            )
        finally:
            library.EVP_PKEY_CTX_free(context)
        if not right:
            # Python's own ssl module reads the same queue of errors.
            library.ERR_clear_error()
        return right

    def sign(self, digest: bytes) -> bytes:
        """A DER signature of the digest e; ValueError where this is only a public key."""
        library = self._library
        buffer = ctypes.create_string_buffer(SIGNATURE_BYTES_MAX)
        length = c_size_t(SIGNATURE_BYTES_MAX)
        context: int | None = library.EVP_PKEY_CTX_new(self._handle, None)
        try:
            done = (
                library.EVP_PKEY_sign_init(context) == 1
                and library.EVP_PKEY_sign(
                    context, buffer, ctypes.byref(length), digest, len(digest)
                )
                == 1
            )
        finally:
            library.EVP_PKEY_CTX_free(context)
        if not done:
            library.ERR_clear_error()
            raise ValueError("this key cannot sign")
        return buffer.raw[: length.value]


@cache
def load_library() -> Any:
    """OpenSSL with the functions of `_SIGNATURES` declared; Sm2UnavailableError."""
    for name in _names():
        try:
            library = _declared(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
        buffer = ctypes.create_string_buffer(_PROBE, len(_PROBE))
        place = c_void_p(ctypes.addressof(buffer))
        probe = library.d2i_PUBKEY(None, ctypes.byref(place), len(_PROBE))
        library.ERR_clear_error()
        if probe:
            library.EVP_PKEY_free(probe)
            return library
    raise Sm2UnavailableError("SM2 needs OpenSSL 3 built with SM2 (libcrypto.so.3)")


def _names() -> Iterator[str | None]:
    """Where to look: what `hashlib` is linked with, the system's, the interpreter itself."""
    linked = getattr(_hashlib, "__file__", None)
    if linked is not None:
        yield linked
    yield "libcrypto.so.3"
    yield None


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "d2i_PUBKEY": (c_void_p, (c_void_p, c_void_p, c_long)),
    "d2i_AutoPrivateKey": (c_void_p, (c_void_p, c_void_p, c_long)),
    "i2d_PUBKEY": (c_int, (c_void_p, c_void_p)),
    "EVP_PKEY_is_a": (c_int, (c_void_p, c_char_p)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_CTX_new": (c_void_p, (c_void_p, c_void_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_verify_init": (c_int, (c_void_p,)),
    "EVP_PKEY_verify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EVP_PKEY_sign_init": (c_int, (c_void_p,)),
    "EVP_PKEY_sign": (c_int, (c_void_p, c_void_p, c_void_p, c_char_p, c_size_t)),
    "ERR_clear_error": (None, ()),
}


def _declared(library: Any) -> Any:
    """With types of results and arguments; AttributeError where a function is missing."""
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
