"""What is said of idempotency keys wherever one may be sent."""

from heliograph.api.described.operation import header_parameter
from heliograph.api.idempotency import HEADER
from heliograph.base.errors import Conflict, UnprocessableEntity

KEY_IS_ANOTHERS = UnprocessableEntity(
    "The idempotency key order-7 belongs to another request of the last 24 hours."
    " Repeat that one as it was, or choose a new key."
)
STILL_BEING_WRITTEN = Conflict(
    "Another request of the account, perhaps the first with this Idempotency-Key, is still being"
    " written. Repeat it with the same key."
)
IDEMPOTENCY_KEY = header_parameter(
    HEADER,
    "Your own name for this request, 1 to 255 visible ASCII characters. The same request with the same"
    " key is accepted once: within 24 hours it is answered as before, at no charge.",
    "order-7",
)
