#!/usr/bin/env bash
# A day at the studio by plain curl. Arguments: the API's address, the location, the token.
set -euo pipefail
api=$1 location=$2 token=$3

post() {
  curl --silent --show-error --request POST "$api$1" --header "Authorization: Bearer $token" \
    --header 'Content-Type: application/json' --data "{\"location_id\":\"$location\",$2}"
  echo
}

read_() {
  curl --silent --show-error --get "$api$1" --header "Authorization: Bearer $token" \
    --data-urlencode "location_id=$location"
  echo
}

member='"external_contact_id":"m1"'
product='"product_config_id":"pc_package_1"'
booking='"external_ref":"appt_1","appointment_time":"2099-01-01T10:00:00Z"'
post /grants "\"request_id\":\"g1\",\"external_payment_id\":\"pay_1\",$member,$product"
post /entitlements/check-eligibility "$member,$product"
post /entitlements/deduct "\"request_id\":\"d1\",$member,$product,$booking"
post /entitlements/deduct "\"request_id\":\"d1\",$member,$product,$booking"
post /entitlements/restore "\"request_id\":\"r1\",$member,$product,$booking"
post /entitlements/deduct "\"request_id\":\"d2\",\"ghl_contact_id\":\"nobody\",$product"
read_ /contacts/m1/summary
read_ /contacts/m1/ledger
read_ /contacts/nobody
post /grants '"request_id":"g2"'
token=none read_ /contacts/m1
