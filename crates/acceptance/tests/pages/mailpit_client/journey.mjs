// Reads and empties an inbox with two mails through a client that was made for Mailpit.
import assert from 'node:assert/strict';
import { MailpitClient } from 'mailpit-api';

const [inbox, first, second, code] = process.argv.slice(2);
const mailpit = new MailpitClient(inbox);

const all = await mailpit.listMessages();
assert.equal(all.total, 2);
assert.deepEqual(all.messages.map((message) => message.To[0].Address), [second, first], 'newest first');
assert.equal((await mailpit.getInfo()).Messages, 2);

const found = await mailpit.waitForMessages({ query: `to:"${first}"` });
assert.equal(found.messages_count, 1);
const { ID } = found.messages[0];

const message = await mailpit.getMessageSummary(ID);
assert.equal(message.To[0].Address, first);
assert.ok(message.Text.includes(code) && message.HTML.includes(code), 'both parts hold the code');
assert.ok((await mailpit.getMessageSource(ID)).includes('Message-ID:'));
assert.deepEqual((await mailpit.getMessageHeaders(ID))['Auto-Submitted'], ['auto-generated']);
assert.ok((await mailpit.renderMessageText(ID)).includes(code));
assert.ok((await mailpit.renderMessageHTML(ID)).includes(code));
assert.equal((await mailpit.getMessageSummary()).To[0].Address, second, 'the latest one');

await mailpit.setReadStatus({ IDs: [ID], Read: false });
assert.equal((await mailpit.searchMessages({ query: 'is:unread' })).messages[0].ID, ID);

await mailpit.deleteMessages({ IDs: [ID] });
await assert.rejects(mailpit.getMessageSummary(ID), /404/);
await mailpit.deleteMessagesBySearch({ query: `to:"${second}"` });
assert.equal((await mailpit.listMessages()).total, 0);
await mailpit.deleteMessages();
