// A day at the studio by Node's own fetch. Arguments: the API's address, the location, the token.
const [api, location_id, token] = process.argv.slice(2);

async function call(path, options) {
  const answer = await fetch(api + path, options);
  console.log(JSON.stringify(await answer.json()));
}

const post = (path, body) =>
  call(path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ location_id, ...body }),
  });

const read = (path, bearer = token) =>
  call(`${path}?${new URLSearchParams({ location_id })}`, {
    headers: { Authorization: `Bearer ${bearer}` },
  });

const who = { external_contact_id: 'm1', product_config_id: 'pc_package_1' };
const booking = { external_ref: 'appt_1', appointment_time: new Date('2099-01-01T10:00:00Z') };
await post('/grants', { request_id: 'g1', external_payment_id: 'pay_1', ...who });
await post('/entitlements/check-eligibility', who);
await post('/entitlements/deduct', { request_id: 'd1', ...who, ...booking });
await post('/entitlements/deduct', { request_id: 'd1', ...who, ...booking });
await post('/entitlements/restore', { request_id: 'r1', ...who, ...booking });
await post('/entitlements/deduct', {
  request_id: 'd2', ghl_contact_id: 'nobody', product_config_id: 'pc_package_1',
});
await read('/contacts/m1/summary');
await read('/contacts/m1/ledger');
await read('/contacts/nobody');
await post('/grants', { request_id: 'g2' });
await read('/contacts/m1', 'none');
