import hashlib
import hmac
import re
import time


def is_genuine(secret: str, signature: str, body: bytes) -> bool:
    """Whether a delivery is of the gateway that has this secret; body is what came, before it is parsed."""
    match = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", signature or "")
    if match is None or abs(time.time() - int(match[1])) > 300:
        return False
    signed = match[1].encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, match[2])
