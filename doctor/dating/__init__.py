"""Dating a traceback: which releases have these functions spanning these lines, and this text on them."""

from doctor.dating.inference import Dating, Status, date_frames

__all__ = ["Dating", "Status", "date_frames"]
