/**
 * Who may do what, table by table: what the API has to answer.
 *
 * Of each cell's four letters the first is for reading, then inserting, updating, deleting:
 * `-` refused by grants, `.` nothing (no row is seen or touched, or a policy refuses), small: in
 * one's own world alone, capital: in the other world as well. `s` is reading some rows of one's
 * world, `!` touching the other world alone.
 *
 * All personas but stranger and staff belong to one world: in it a customer books for an
 * organisation, which has an owner and a viewer; the celebrity is the star, whose agent may do
 * everything but see finances, and whose assistant may do nothing but read. Inserts name who makes
 * them as customer, owner and so on. What states and amounts change by is tested where functions
 * are.
 */
export const expectedAccess = `
table                      anon stra cust view owne asst agen star supp fina admi
-- Core business
currencies                 ---- R..- R..- R..- R..- R..- R..- R..- R..- R..- RIU-
countries                  ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
tax_rates                  ---- R..- R..- R..- R..- R..- R..- R..- R..- RIU- RIU-
app_users                  ---- .I.- sIu- sIu- sIu- sIu- sIu- sIu- RI.- .I.- RI.-
user_profiles              ---- .I.. sIud .I.. .I.. .I.. .I.. sIud RI.. .I.. RI..
organizations              ---- .I.- rI.- rI.- rIu- .I.- .I.- .I.- RIU- .I.- RIU-
organization_members       ---- .... r..d r..d riud .... .... .... R... .... R...
categories                 R--- R... R... R... R... R... R... R... R... R... RIUD
service_types              ---- R... R... R... R... R... R... R... R... R... RIUD
celebrities                R--- R-.- R-.- R-.- R-.- R-.- R-u- R-u- R-.- R-.- R-U-
celebrity_categories       R--- R... R... R... R... R... Riud Riud R... R... RIUD
celebrity_media            R--- R... R... R... R... R... Riud Riud R... R... RIUD
celebrity_representatives  ---- .... .... .... .... r..d r..d riud .... .... R...
celebrity_rates            ---- R... R... R... R... R... Riud Riud R... R... R...
availability_blocks        ---- .... .... .... .... r... riud riud R... .... R...
venues                     ---- .... riud r... riud r... r... r... .... .... R.UD
events                     ---- .... riud r... riud r... r... r... R... .... R...
booking_requests           ---- ...- ri.- r..- ri.- r..- r..- r..- R..- ...- R..-
booking_offers             ---- ..-- ri-- r.-- ri-- r.-- ri-- ri-- R.-- ..-- R.--
bookings                   ---- .--- r--- r--- r--- r--- r--- r--- R--- .--- R---
booking_items              ---- .--- r--- r--- r--- r--- r--- r--- R--- .--- R---
booking_status_history     ---- .--- r--- r--- r--- r--- r--- r--- R--- .--- R---
contracts                  ---- .--- r--- r--- r--- r--- r--- r--- R--- .--- R---
rider_items                ---- .... .... .... .... r... riud riud .... .... ....
invoices                   ---- .--- r--- r--- r--- .--- .--- .--- .--- R--- R---
payments                   ---- .--- r--- r--- r--- .--- .--- .--- .--- R--- R---
refunds                    ---- .--- r--- r--- r--- .--- .--- .--- .--- R--- R---
commissions                ---- .--- .--- .--- .--- .--- s--- s--- .--- R--- R---
payouts                    ---- .--- .--- .--- .--- .--- s--- r--- .--- R--- R---
reviews                    .--- .... riud .... .... r... r... r... .... .... R...
favorites                  ---- .I-. rI-d .I-. .I-. .I-. .I-. .I-. .I-. .I-. .I-.
-- Security and RBAC
roles                      ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
permissions                ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
role_permissions           ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
user_roles                 ---- ..-. ..-. ..-. ..-. ..-. ..-. ..-. ..-. ..-. R.-D
api_keys                   ---- .-.- .-.- .-.- r-u- .-.- .-.- .-.- .-.- .-.- .-.-
audit_log                  ---- .--- .--- .--- .--- .--- .--- .--- .--- .--- R---
-- Communication
conversations              ---- .I-- rI-- .I-- rI-- .I-- rI-- rI-- RI-- .I-- RI--
messages                   ---- ...- ri.- ...- ri.- ...- riu- riu- R..- ...- R..-
email_notifications        ---- .--- r--- .--- .--- .--- .--- .--- R--- .--- R---
-- Analytics
metrics                    ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
daily_metrics              ---- .--- .--- .--- s--- .--- .--- s--- .--- R--- R---
forecasts                  ---- .--- .--- .--- .--- .--- .--- r--- .--- R--- R---
analytics_events           ---- .I-- .I-- .I-- .I-- .I-- .I-- .I-- .I-- RI-- RI--
-- Specialised
app_settings               ---- .-.- .-.- .-.- .-.- .-.- .-.- .-.- .-.- .-.- R-U-
exchange_rates             ---- R--- R--- R--- R--- R--- R--- R--- R--- R--- R---
ledger_entries             ---- .--- .--- .--- .--- .--- .--- .--- .--- R--- R---
payout_accounts            ---- .-.- .-.- .-.- .-.- .-.- .-.- r-u- .-.- R-.- R-.-
crypto_wallets             ---- .I.. rIud .I.. .I.. .I.. .I.. .I.. .I.. .I.. RI..
crypto_payments            ---- .--- r--- r--- r--- .--- .--- .--- .--- R--- R---
calendar_connections       ---- .-.. .-.. .-.. .-.. .-.. .-.. r-ud .-.. .-.. .-..
calendar_events            ---- .--- .--- .--- .--- .--- .--- r--- .--- .--- .---
fraud_rules                ---- ...- ...- ...- ...- ...- ...- ...- ...- ...- RIU-
fraud_signals              ---- .--- .--- .--- .--- .--- .--- .--- .--- .--- R---
fraud_cases                ---- ...- ...- ...- ...- ...- ...- ...- ...- ...- RIU-
files                      ---- .I-. rI-d rI-. rI-. rI-. rI-. rI-. RI-. .I-. RI-.
attachments                ---- ..-. ri-d r.-. r.-. r.-. r.-. r.-. R.-. ..-. R.-.
webhook_endpoints          ---- .... .... .... riud .... .... .... .... .... ....
webhook_deliveries         ---- .--- .--- .--- r--- .--- .--- .--- .--- .--- .---
-- Ratings
celebrity_ratings          ---- .I.. rIud .I.. .I.. r!.. r!.. r!.. .I.. .I.. RI.D
`;
