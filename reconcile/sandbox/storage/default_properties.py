"""The properties HubSpot defines itself, one line each (ref §9).

Orders, carts and line items in full as far as public material shows them; the others a sensible
minimum. Each entry reads ``name type [flags] [options]``:

- type: s string, t long text, p phone, n number, d date, dt datetime, b bool, e enumeration
- flags: ``ro`` its value cannot be set, ``calc`` HubSpot calculates it (so it is read-only too),
  ``uniq`` unique, ``ext`` its options live elsewhere, ``own`` they are the account's owners
- options: internal names between ``|``; labels are made from them
"""

from reconcile.sandbox.object_types import (
    CART,
    COMPANY,
    CONTACT,
    DEAL,
    DISCOUNT,
    INVOICE,
    LINE_ITEM,
    ORDER,
    PAYMENT,
    PRODUCT,
    QUOTE,
    SUBSCRIPTION,
    TICKET,
)

ON_EVERY_OBJECT = """
hs_createdate dt ro
hs_lastmodifieddate dt ro
hs_object_id n calc
hs_object_source s ro
hs_object_source_id s ro
hs_object_source_label s ro
hs_created_by_user_id n ro
hs_updated_by_user_id n ro
hs_merged_object_ids s calc
hs_unique_creation_key s ro uniq
hubspot_owner_id e own
"""  # hs_unique_creation_key: unique, and read-only where somebody tried to write it (ref §7)

_BILLING = ("street", "city", "state", "country", "postal_code")
_CADENCES = (
    "weekly|biweekly|monthly|quarterly|per_six_months|annually|"
    "per_two_years|per_three_years|per_four_years|per_five_years"
)

_ORDER = """
hs_order_name s
hs_external_order_id s
hs_external_cart_id s
hs_external_checkout_id s
hs_external_order_url s
hs_external_order_status s
hs_fulfillment_status s
hs_payment_status s
hs_payment_processing_method s
hs_source_store s
hs_tags s
hs_order_note t
hs_landing_site s
hs_referring_site s
hs_discount_codes s
hs_cancellation_reason s
hs_shipping_tracking_number s
hs_shipping_status_url s
hs_shipping_address_name s
hs_shipping_address_phone p
hs_billing_address_name s
hs_billing_address_firstname s
hs_billing_address_lastname s
hs_billing_address_email s
hs_billing_address_phone p
hs_total_price n
hs_subtotal_price n
hs_tax n
hs_shipping_cost n
hs_order_discount n
hs_refund_amount n
hs_external_created_date dt
hs_external_modified_date dt
hs_processed_date dt
hs_external_canceled_date dt
hs_currency_code e ext
hs_pipeline e ext
hs_pipeline_stage e ext
hs_buyer_accepts_marketing b
hs_homecurrency_amount n calc
hs_exchange_rate n calc
hs_is_closed b calc
hs_closed_date dt ro
hs_is_canceled b calc
"""

_CART = """
hs_cart_name s
hs_cart_url s
hs_external_cart_id s
hs_external_status s
hs_external_token s
hs_source_store s
hs_tags s
hs_discount_codes s
hs_landing_site s
hs_referring_site s
hs_total_weight s
hs_billing_address_phone p
hs_shipping_address_phone p
hs_total_price n
hs_subtotal_price n
hs_cart_discount n
hs_tax n
hs_shipping_cost n
hs_currency_code e ext
hs_buyer_accepts_marketing b
hs_external_created_date dt
hs_external_modified_date dt
hs_homecurrency_amount n calc
hs_exchange_rate n calc
"""

_ADDRESSES = "\n".join(
    f"hs_{which}_address_{part} s" for which in ("billing", "shipping") for part in _BILLING
)

_LINE_ITEM = f"""
createdate dt ro
name s
description t
hs_sku s
hs_product_id n
quantity n
price n
discount n
hs_discount_percentage n
tax n
hs_tax_rate_group_id n
hs_line_item_currency_code e ext
recurringbillingfrequency e {_CADENCES}
hs_recurring_billing_period s
hs_recurring_billing_start_date d
hs_recurring_billing_end_date d ro
hs_recurring_billing_terms e FIXED|AUTOMATICALLY_RENEW
hs_recurring_billing_number_of_payments n calc
hs_billing_start_delay_type e hs_billing_start_delay_days|hs_billing_start_delay_months
hs_billing_start_delay_days n
hs_billing_start_delay_months n
hs_position_on_quote n
hs_cost_of_goods_sold n
hs_external_id n
hs_images s
hs_url s
hs_variant_id n
hs_pricing_model e flat|graduated|stairstep|volume
hs_product_type e inventory|non_inventory|runtime
hs_term_in_months n ro
amount n
hs_pre_discount_amount n calc
hs_post_tax_amount n calc
hs_total_discount n calc
hs_effective_unit_price n calc
hs_acv n calc
hs_arr n calc
hs_mrr n calc
hs_tcv n calc
hs_margin n calc
hs_margin_acv n calc
hs_margin_arr n calc
hs_margin_mrr n calc
hs_margin_tcv n calc
"""

_PRODUCT = f"""
createdate dt ro
name s
description t
price n
hs_sku s uniq
hs_cost_of_goods_sold n
hs_folder n
hs_images s
hs_url s
hs_product_type e inventory|non_inventory|runtime
hs_recurring_billing_period s
recurringbillingfrequency e {_CADENCES}
tax n
"""

_CONTACT = """
createdate dt ro
lastmodifieddate dt ro
email s
hs_additional_emails s
firstname s
lastname s
phone p
mobilephone p
company s
website s
jobtitle s
address s
city s
state s
zip s
country s
lifecyclestage e subscriber|lead|opportunity|customer|evangelist|other
hs_email_domain s calc
"""

_COMPANY = """
createdate dt ro
name s
domain s
website s
phone p
address s
address2 s
city s
state s
zip s
country s
industry s
numberofemployees n
annualrevenue n
description t
"""

_DEAL = """
createdate dt ro
dealname s
amount n
closedate dt
dealstage s
pipeline s
dealtype e newbusiness|existingbusiness
deal_currency_code e ext
description t
"""

_QUOTE = """
hs_title s
hs_expiration_date dt
hs_status e DRAFT|APPROVAL_NOT_NEEDED|PENDING_APPROVAL|APPROVED|REJECTED
hs_quote_amount n
hs_currency e ext
hs_language s
hs_comments t
hs_terms t
"""

_TICKET = """
createdate dt ro
subject s
content t
hs_pipeline s
hs_pipeline_stage s
hs_ticket_category s
"""

TABLES: dict[str, str] = {
    ORDER.id: ON_EVERY_OBJECT + _ORDER + _ADDRESSES,
    CART.id: ON_EVERY_OBJECT + _CART + _ADDRESSES,
    LINE_ITEM.id: ON_EVERY_OBJECT + _LINE_ITEM,
    PRODUCT.id: ON_EVERY_OBJECT + _PRODUCT,
    CONTACT.id: ON_EVERY_OBJECT + _CONTACT,
    COMPANY.id: ON_EVERY_OBJECT + _COMPANY,
    DEAL.id: ON_EVERY_OBJECT + _DEAL,
    QUOTE.id: ON_EVERY_OBJECT + _QUOTE,
    INVOICE.id: ON_EVERY_OBJECT,
    SUBSCRIPTION.id: ON_EVERY_OBJECT,
    TICKET.id: ON_EVERY_OBJECT + _TICKET,
    DISCOUNT.id: ON_EVERY_OBJECT,
    PAYMENT.id: ON_EVERY_OBJECT,
}

GROUPS: dict[str, tuple[str, str]] = {
    ORDER.id: ("order_information", "Order Information"),
    CART.id: ("cart_information", "Cart Information"),
    LINE_ITEM.id: ("lineiteminformation", "Line Item Information"),
    PRODUCT.id: ("productinformation", "Product Information"),
    CONTACT.id: ("contactinformation", "Contact Information"),
    COMPANY.id: ("companyinformation", "Company Information"),
    DEAL.id: ("dealinformation", "Deal Information"),
    QUOTE.id: ("quoteinformation", "Quote Information"),
    INVOICE.id: ("invoiceinformation", "Invoice Information"),
    SUBSCRIPTION.id: ("subscriptioninformation", "Subscription Information"),
    TICKET.id: ("ticketinformation", "Ticket Information"),
    DISCOUNT.id: ("discountinformation", "Discount Information"),
    PAYMENT.id: ("commercepaymentinformation", "Commerce Payment Information"),
}
"""The group each type's own properties are in: name and label."""
