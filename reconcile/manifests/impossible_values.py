"""Values that HubSpot rejects or replaces in every account."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_syntax import Position
from reconcile.model.kinds import Kind
from reconcile.model.values import show


def check_values(
    properties: Mapping[str, str],
    at: Mapping[str, tuple[int, int]],
    kind: Kind,
    report: ProblemReport,
) -> None:
    """Report values of computed properties, and values below HubSpot's minimum."""
    for name in sorted(properties.keys() & kind.computed.keys()):
        source = kind.computed[name]
        message = f"HubSpot computes {name}{f' from {source}' if source else ''}"
        report.at(
            Position(*at[name]), message, "leave it out: HubSpot would replace a value written here"
        )
    for name in sorted(properties.keys() & kind.minimum.keys()):
        least = kind.minimum[name]
        if _is_less(properties[name], least):
            message = (
                f"{name} is {show(properties[name])}, and HubSpot accepts no value below {least}"
            )
            report.at(Position(*at[name]), message)


def _is_less(text: str, least: Decimal) -> bool:
    """Return whether a text is a number below ``least``; other text is not judged here."""
    try:
        return Decimal(text) < least
    except InvalidOperation:
        return False
