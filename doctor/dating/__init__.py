"""Dating a traceback: which releases have these functions spanning these lines, and this text on them.

The indexes are in the main wheel, not in an extra or fetched on request: together they take under 3 MB, of which a run reads the
few files it is asked about, and the machines where texts are dated often may not fetch anything.
"""

from doctor.dating.fingerprints import covered_releases
from doctor.dating.inference import Dating, Status, date_frames

__all__ = ["Dating", "Status", "covered_releases", "date_frames"]
