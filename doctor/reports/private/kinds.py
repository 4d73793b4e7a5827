"""Every masker there is."""

from doctor.reports.private.machines import MACHINES
from doctor.reports.private.packages import PACKAGES
from doctor.reports.private.people import PEOPLE
from doctor.reports.private.services import SERVICES
from doctor.reports.private.tokens import SECRETS

MASKERS = (*SECRETS, *SERVICES, *PACKAGES, *PEOPLE, *MACHINES)
"""What is masked in what leaves the machine, in this order."""
