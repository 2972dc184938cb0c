// The official Node client against a running sandbox: SANDBOX_URL, SANDBOX_TOKEN, SANDBOX_POOR_TOKEN.
// Each test makes its own records, so the order does not matter.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "@hubspot/api-client";

const { SANDBOX_URL: basePath, SANDBOX_TOKEN: accessToken, SANDBOX_POOR_TOKEN: poor } = process.env;
const { crm } = new Client({ accessToken, basePath });
const objects = crm.objects;

const NAMES = {
  orders: "hs_order_name",
  carts: "hs_cart_name",
  line_items: "name",
  contacts: "firstname",
  companies: "name",
  products: "name",
};
const GROUPS = {
  orders: "order_information",
  carts: "cart_information",
  line_items: "lineiteminformation",
  contacts: "contactinformation",
  companies: "companyinformation",
  products: "productinformation",
};
const APIS = {
  line_items: crm.lineItems,
  contacts: crm.contacts,
  companies: crm.companies,
  products: crm.products,
};

const spec = (associationTypeId) => [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId }];
const create = async (kind, properties = {}) =>
  (await objects.basicApi.create(kind, { properties, associations: [] })).id;
const refused = (code) => (error) => error.code === code && error.body !== undefined;

for (const [kind, name] of Object.entries(NAMES)) {
  test(`${kind} live and die through the generic API`, async () => {
    const api = objects.basicApi;
    const made = await api.create(kind, { properties: { [name]: "A" }, associations: [] });
    assert.equal(made.properties[name], "A");
    assert.ok(made.createdAt instanceof Date);
    assert.equal((await api.getById(kind, made.id, [name])).properties[name], "A");
    const changed = await api.update(kind, made.id, { properties: { [name]: "B" } });
    assert.ok(changed.updatedAt > made.updatedAt);
    const page = await api.getPage(kind, 100, made.id);
    assert.equal(page.results[0].id, made.id);
    await api.archive(kind, made.id);
    await assert.rejects(api.getById(kind, made.id), refused(404));
    const archived = await api.getById(kind, made.id, [], [], [], true);
    assert.ok(archived.archivedAt instanceof Date);
  });

  test(`${kind} in batches`, async () => {
    const api = objects.batchApi;
    await crm.properties.coreApi.create(kind, {
      name: "node_key",
      label: "Key",
      type: "string",
      fieldType: "text",
      groupName: GROUPS[kind],
      hasUniqueValue: true,
    });
    const inputs = [{ properties: { [name]: "A" }, associations: [], objectWriteTraceId: "1" }];
    const made = (await api.create(kind, { inputs })).results[0];
    const ids = { inputs: [{ id: made.id }] };
    const read = await api.read(kind, { ...ids, properties: [name], propertiesWithHistory: [] });
    assert.equal(read.results[0].properties[name], "A");
    const update = { inputs: [{ id: made.id, properties: { node_key: "K" } }] };
    assert.equal((await api.update(kind, update)).status, "COMPLETE");
    const upsert = ["K", "L"].map((id) => ({ id, idProperty: "node_key", properties: {} }));
    const upserted = (await api.upsert(kind, { inputs: upsert })).results;
    assert.deepEqual(upserted.map((one) => one._new).sort(), [false, true]);
    await api.archive(kind, { inputs: upserted.map(({ id }) => ({ id })) });
    await assert.rejects(objects.basicApi.getById(kind, made.id), refused(404));
  });
}

for (const [kind, api] of Object.entries(APIS)) {
  test(`${kind} through their own API`, async () => {
    const name = NAMES[kind];
    const made = await api.basicApi.create({ properties: { [name]: "A" }, associations: [] });
    assert.equal((await api.basicApi.getById(made.id, [name])).properties[name], "A");
    await api.basicApi.update(made.id, { properties: { [name]: "B" } });
    const body = { inputs: [{ id: made.id }], properties: [name], propertiesWithHistory: [] };
    assert.equal((await api.batchApi.read(body)).results[0].properties[name], "B");
    await api.basicApi.archive(made.id);
    const found = await api.searchApi.doSearch({ limit: 1, filterGroups: [], properties: [] });
    assert.equal(typeof found.total, "number");
  });
}

test("a partly successful batch has its errors", async () => {
  const inputs = [
    { properties: { hs_tags: "a" }, associations: [], objectWriteTraceId: "good" },
    { properties: { nope: "a" }, associations: [], objectWriteTraceId: "bad" },
  ];
  const answer = await objects.batchApi.create("orders", { inputs });
  assert.equal(answer.numErrors, 1);
  assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ["bad"]);
  const missing = { inputs: [{ id: "5" }], properties: [], propertiesWithHistory: [] };
  const read = await objects.batchApi.read("orders", missing);
  assert.deepEqual(read.errors[0].context.ids, ["5"]);
});

test("refusals are the client's exceptions", async () => {
  const wrong = { properties: { hs_tax: "x" }, associations: [] };
  await assert.rejects(objects.basicApi.create("orders", wrong), (error) => {
    assert.equal(error.code, 400);
    assert.match(error.body.message, /INVALID_INTEGER/);
    assert.equal(error.headers["x-hubspot-correlation-id"], error.body.correlationId);
    return true;
  });
  const stranger = new Client({ accessToken: "pat-na1-wrong", basePath });
  await assert.rejects(stranger.crm.objects.basicApi.getPage("orders"), refused(401));
  const limited = new Client({ accessToken: poor, basePath });
  await assert.rejects(limited.crm.objects.basicApi.getPage("orders"), refused(403));
});

test("a line item is created with its order", async () => {
  const order = await create("orders");
  const line = await crm.lineItems.basicApi.create({
    properties: { quantity: "2", price: "3.5" },
    associations: [{ to: { id: order }, types: spec(514) }],
  });
  const read = await crm.lineItems.basicApi.getById(line.id, ["amount"], [], ["orders"]);
  assert.equal(read.properties.amount, "7.00");
  assert.equal(read.associations.orders.results[0].id, order);
});

test("contacts merge and are erased", async () => {
  const [one, two] = [await create("contacts"), await create("contacts")];
  const body = { primaryObjectId: one, objectIdToMerge: two };
  const merged = await crm.contacts.basicApi.merge(body);
  assert.equal((await crm.contacts.basicApi.getById(one)).id, merged.id);
  await crm.contacts.basicApi.purge({ objectId: merged.id });
  await assert.rejects(crm.contacts.basicApi.getById(merged.id), refused(404));
});

test("version 4 associations, alone and in batches", async () => {
  const [order, company] = [await create("orders"), await create("companies")];
  const { basicApi, batchApi } = crm.associations.v4;
  await basicApi.createDefault("orders", order, "companies", company);
  const linked = await basicApi.create("orders", order, "companies", company, spec(509));
  assert.deepEqual(linked.labels, ["Primary"]);
  const page = await basicApi.getPage("orders", order, "companies");
  assert.equal(page.results[0].associationTypes.length, 2);
  const pair = { _from: { id: order }, to: { id: company } };
  const unlabel = { inputs: [{ ...pair, types: spec(509) }] };
  await batchApi.archiveLabels("orders", "companies", unlabel);
  const read = await batchApi.getPage("orders", "companies", { inputs: [{ id: order }] });
  assert.deepEqual(read.results[0].to[0].associationTypes.map((one) => one.typeId), [934]);
  const made = await batchApi.create("orders", "companies", unlabel);
  assert.equal(made.results[0].labels[0], "Primary");
  await batchApi.createDefault("orders", "companies", { inputs: [pair] });
  const gone = { inputs: [{ _from: { id: order }, to: [{ id: company }] }] };
  await batchApi.archive("orders", "companies", gone);
  const empty = await batchApi.getPage("orders", "companies", { inputs: [{ id: order }] });
  assert.equal(empty.errors[0].subCategory, "crm.associations.NO_ASSOCIATIONS_FOUND");
  await basicApi.createDefault("orders", order, "companies", company);
  await basicApi.archive("orders", order, "companies", company);
  assert.deepEqual((await basicApi.getPage("orders", order, "companies")).results, []);
});

test("version 3 associations by name", async () => {
  const [order, contact] = [await create("orders"), await create("contacts")];
  const api = crm.associations.batchApi;
  const inputs = [{ _from: { id: order }, to: { id: contact }, type: "order_to_contact" }];
  const made = await api.create("orders", "contacts", { inputs });
  assert.equal(made.results[0].type, "order_to_contact");
  const read = await api.read("orders", "contacts", { inputs: [{ id: order }] });
  assert.equal(read.results[0].to[0].id, contact);
  await api.archive("orders", "contacts", { inputs });
  const types = await crm.associations.schema.typesApi.getAll("orders", "contacts");
  assert.equal(types.results[0].id, "507");
});

test("labels of associations", async () => {
  const api = crm.associations.v4.schema.definitionsApi;
  const pair = ["carts", "contacts"];
  const body = { name: "node_buyer", label: "Buyer", inverseLabel: "Bought" };
  const { typeId } = (await api.create(...pair, body)).results[0];
  await api.update(...pair, { associationTypeId: typeId, label: "Payer" });
  const labels = (await api.getAll(...pair)).results.map((one) => one.label);
  assert.ok(labels.includes("Payer"));
  await api.remove(...pair, typeId);
  assert.ok(!(await api.getAll(...pair)).results.some((one) => one.typeId === typeId));
});

test("definitions of properties and their groups", async () => {
  const { coreApi, groupsApi, batchApi } = crm.properties;
  await groupsApi.create("carts", { name: "node", label: "Node" });
  assert.equal((await groupsApi.update("carts", "node", { label: "N" })).label, "N");
  assert.equal((await groupsApi.getByName("carts", "node")).displayOrder, -1);
  const property = { label: "P", type: "string", fieldType: "text", groupName: "node" };
  const inputs = [{ ...property, name: "node_one" }];
  await batchApi.create("carts", { inputs });
  await assert.rejects(coreApi.create("carts", inputs[0]), refused(409));
  assert.equal((await coreApi.update("carts", "node_one", { label: "Q" })).label, "Q");
  assert.equal((await coreApi.getByName("carts", "node_one")).modificationMetadata.archivable, true);
  const read = await batchApi.read("carts", { archived: false, inputs: [{ name: "node_one" }] });
  assert.ok(read.results[0].createdAt instanceof Date);
  await batchApi.archive("carts", { inputs: [{ name: "node_one" }] });
  await groupsApi.archive("carts", "node");
  const names = (await groupsApi.getAll("carts")).results.map((one) => one.name);
  assert.deepEqual(names, ["cart_information"]);
  assert.ok(!(await coreApi.getAll("carts")).results.some((one) => one.name === "node_one"));
});

test("pipelines and stages", async () => {
  const { pipelinesApi, pipelineStagesApi, pipelineAuditsApi, pipelineStageAuditsApi } =
    crm.pipelines;
  const stage = { label: "New", displayOrder: 0, metadata: {} }; // its model has no stageId
  const body = { label: "Node", displayOrder: 1, stages: [stage] };
  const { id } = await pipelinesApi.create("orders", body);
  const done = { label: "Done", displayOrder: 1, metadata: { state: "CLOSED" } };
  const extra = await pipelineStagesApi.create("orders", id, done);
  assert.equal(
    (await pipelineStagesApi.update("orders", id, extra.id, { label: "D", metadata: {} })).label,
    "D",
  );
  await pipelineStagesApi.replace("orders", id, extra.id, done);
  assert.equal((await pipelineStagesApi.getAll("orders", id)).results.length, 2);
  assert.equal((await pipelineStagesApi.getById("orders", id, extra.id)).label, "Done");
  await create("orders", { hs_pipeline: id, hs_pipeline_stage: extra.id });
  await assert.rejects(pipelinesApi.archive("orders", id, true), refused(400));
  await pipelineStagesApi.archive("orders", id, extra.id);
  assert.equal((await pipelinesApi.update("orders", id, { label: "M" })).label, "M");
  assert.equal((await pipelinesApi.replace("orders", id, body)).stages.length, 1);
  assert.equal((await pipelinesApi.getById("orders", id)).label, "Node");
  await pipelinesApi.archive("orders", id);
  assert.equal((await pipelineAuditsApi.getAudit("orders", id)).results[0].action, "DELETE");
  assert.equal((await pipelineStageAuditsApi.getAudit("orders", extra.id)).results.length, 4);
  const left = (await pipelinesApi.getAll("orders")).results.map((one) => one.label);
  assert.deepEqual(left, ["Order Pipeline"]);
});

test("owners", async () => {
  const owner = (await crm.owners.ownersApi.getPage()).results[0];
  assert.equal((await crm.owners.ownersApi.getById(owner.id, "id")).email, owner.email);
});
