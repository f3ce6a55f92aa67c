"""Every room's tables, loaded together so that their foreign keys find each other."""

from portal.collection import models as collection
from portal.companies import models as companies
from portal.database import file_checks
from portal.database.base import Base
from portal.delivery import models as delivery
from portal.identity import models as identity
from portal.ledger import models as ledger
from portal.notifications import models as notifications
from portal.payments import models as payments
from portal.reporting import models as reporting
from portal.signing import models as signing

ROOMS = (
    identity, ledger, collection, payments, delivery, signing, companies, reporting, notifications,
    file_checks,
)  # fmt: skip
metadata = Base.metadata
