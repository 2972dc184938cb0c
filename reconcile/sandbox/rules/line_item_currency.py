"""The currency of a line item, which HubSpot checks in a way of its own (ref §18, H)."""

from collections.abc import Collection

from reconcile.sandbox.api_errors import invalid

_IN_USE = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
    BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
    KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
    VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
ISO_CODES = frozenset(_IN_USE.split())
"""The codes of ISO 4217 for currencies in use."""


def line_item_currency(text: str, enabled: Collection[str]) -> str:
    """Return a line item's currency. Raise ApiError, in one of two forms, if it is invalid.

    Neither comes with ``errors``; that the first bad value ends the check is a guess.
    """
    if text in enabled:
        return text
    if text not in ISO_CODES:
        raise invalid("Provide a valid ISO currency code")
    raise invalid(f"Provided line item currency {text} is not supported by portal")
