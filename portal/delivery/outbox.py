"""What is to reach people, written down in the transaction that decides it, and sent afterwards.

A message is sent at least once: when the power fails between handing over and noting it, it is
handed over again. Each channel makes the second time change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pyhanko.pdf_utils.reader import PdfFileReader
from io import BytesIO
from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.database import files, queue, tenancy
from portal.delivery.channels import letter
from portal.delivery.letters import render_letter
from portal.delivery.models import Message
from portal.extensions import db, settings
from portal.messages import N_, RedaError

log = structlog.get_logger()
MOST_ATTEMPTS = 5
