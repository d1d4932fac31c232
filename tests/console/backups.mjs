// Backups and their schedules in the console: made, watched, given up, verified, restored; scheduled, paused, changed and deleted. In English and Japanese.
//   node backups.mjs URL PICTURES-DIRECTORY   (password of admin in KUMOI_ADMIN_PASSWORD, of acme-admin and acme-reader in KUMOI_DEMO_PASSWORD)
// web-1 runs with the volumes notes and big, of 3 GiB. What is asked is done, except that backups of big, and volumes of 3 GiB that are restored, are made to 40 % and stay so.
import { storage } from './storage.mjs';

const { page, at, row, invalid, picture, choose, step, speak, faults, refused, complain, close, heading, user, submit, confirm, cancel, calm, select, named, fact, gone, same, disabled, goTo } = await storage();
const backupIs = (name, state) => named(name).locator(`[data-testid="backup-state"][data-state="${state}"]`).waitFor();
const scheduleIs = (name, state) => row(name).locator(`[data-testid="schedule-state"][data-state="${state}"]`).waitFor();
const tick = (id) => at(id).getByRole('checkbox').click({ force: true });
const backupsOf = async (volume) => {
  await goTo('nav-volumes', volume);
  await at('tab-backups').click();
  await at('backup-create').waitFor();
};

try {
  await step('a backup is made by hand', async () => {
    await user('acme-admin');
    await at('nav-backups').click();
    await page.getByText('They are made on the pages of volumes').waitFor();
    await picture('console-backups-empty');
    await backupsOf('notes');
    await at('backup-create').click();
    await at('backup-name').fill('first');
    await tick('backup-incremental');
    await picture('console-backup-create');
    await submit();
    await backupIs('first', 'available');
  });
  await step('it is read and compared', async () => {
    await named('first').getByRole('link', { name: 'first', exact: true }).click();
    await heading('first').waitFor();
    await fact('not yet');
    await at('backup-verify').click();
    await confirm();
    await gone(page.getByText('not yet', { exact: true }));
    await picture('console-backup');
  });
  await step('a volume is made of it, and how far that is is seen', async () => {
    await at('backup-restore').click();
    await at('volume-name').fill('back');
    await at('volume-size').fill('1');
    await submit();
    await invalid('volume-size').waitFor();
    await at('volume-size').fill('3');
    await picture('console-backup-restore');
    await submit();
    await heading('back').waitFor();
    await page.locator('[data-testid="volume-work"][data-kind="restore"][data-percent="40"]').waitFor();
    await fact('To give it up, delete the volume.');
    await page.getByRole('link', { name: 'first', exact: true }).first().waitFor();
    same(await disabled('volume-attach', 'volume-launch'), [true, true], 'that it is used before it is filled');
    await picture('console-backup-restoring');
    await at('volume-delete').click();
    await confirm();
    await named('notes').waitFor();
    await gone(named('back'));
  });
  await step('one that is being made tells how far it is, and is given up', async () => {
    await backupsOf('big');
    await at('backup-create').click();
    await at('backup-name').fill('slow');
    await submit();
    await named('slow').locator('[data-testid="backup-state"][data-percent="40"]').getByText(/of 1 GiB, done/).waitFor();
    await at('nav-backups').click();
    await choose('backups-state', 'Creating');
    await gone(named('first'));
    await choose('backups-state', 'Any state');
    await calm('console-backups', () => backupIs('first', 'available'));
    await named('slow').getByRole('link', { name: 'slow', exact: true }).click();
    await page.locator('[data-testid="volume-work"][data-kind="backup"][data-percent="40"]').waitFor();
    await picture('console-backup-making');
    await at('nav-backups').click();
    await select('slow');
    same(await disabled('backup-restore', 'backup-verify'), [true, true], 'that it is used before it is made');
    await at('backup-cancel').click();
    await confirm();
    await gone(named('slow'));
  });
  await step('a schedule is made, refused field by field', async () => {
    await backupsOf('notes');
    await page.getByText('No backups of it are made by themselves').waitFor();
    await at('schedule-create').click();
    await at('schedule-at').fill('25:00');
    await at('schedule-keep').fill('');
    await submit();
    for (const field of ['schedule-name', 'schedule-at', 'schedule-keep']) await invalid(field).waitFor();
    await picture('console-schedule-refused');
    await at('schedule-name').fill('nightly');
    await at('schedule-at').fill('03:30');
    await choose('schedule-zone', 'UTC');
    await at('schedule-keep').fill('7');
    await picture('console-schedule-create');
    await submit();
    await scheduleIs('nightly', 'on');
    await row('nightly').getByText('Each day at 03:30 (UTC)').waitFor();
    await picture('console-volume-schedules');
    await at('schedule-create').click();
    await at('schedule-name').fill('nightly');
    await submit();
    // Only the server knows the other names.
    await invalid('schedule-name').waitFor();
    refused();
    await cancel();
  });
  await step('one at intervals begins at once', async () => {
    await at('nav-backup-schedules').click();
    await page.getByText('Have backups of volumes made by themselves').waitFor();
    await at('schedule-create').click();
    await at('schedule-name').fill('often');
    await choose('schedule-volume', 'big');
    await at('schedule-when').getByText('At intervals', { exact: true }).click();
    await at('schedule-every').fill('12');
    await at('schedule-keep').fill('');
    await at('schedule-keep-days').fill('14');
    await picture('console-schedule-interval');
    await submit();
    await row('often').getByText('Every 12 hours').waitFor();
    await row('often').getByText('for 14 days').waitFor();
    await calm('console-schedules', () => scheduleIs('often', 'on'));
    await at('nav-backups').click();
    const made = row('often-');
    await made.locator('[data-testid="backup-state"][data-percent="40"]').waitFor();
    await select('often-');
    await at('backup-cancel').click();
    await confirm();
    await gone(made);
  });
  await step('they are paused, resumed, changed and deleted', async () => {
    await at('nav-backup-schedules').click();
    await scheduleIs('nightly', 'on');
    await select('nightly');
    await at('schedule-pause').click();
    await page.getByText('No backups are made until it is resumed').waitFor();
    await confirm();
    await scheduleIs('nightly', 'paused');
    await at('schedule-resume').click();
    await scheduleIs('nightly', 'on');
    await at('schedule-edit').click();
    await at('schedule-keep').fill('');
    await at('schedule-keep-days').fill('30');
    await submit();
    await invalid('schedule-keep').waitFor();
    await at('schedule-keep').fill('9');
    await at('schedule-full-every').fill('5');
    await picture('console-schedule-edit');
    await submit();
    await row('nightly').getByText('the newest 9, for 30 days').waitFor();
    await select('nightly');
    await select('often');
    await at('schedule-delete').click();
    await page.getByText('Its backups stay.').waitFor();
    await confirm();
    await gone(row('often'));
  });
  await step('a reader looks, and changes nothing', async () => {
    await user('acme-reader');
    await at('nav-backup-schedules').click();
    await scheduleIs('nightly', 'on');
    same(await disabled('schedule-create', 'schedule-edit', 'schedule-pause', 'schedule-delete'), [true, true, true, true], 'buttons that are disabled');
    await goTo('nav-backups', 'first');
    same(await disabled('backup-restore', 'backup-verify', 'backup-cancel', 'backup-delete'), [true, true, true, true], 'buttons that are disabled');
  });
  await step('the same in Japanese', async () => {
    await user('acme-admin');
    await speak('日本語');
    await at('nav-backups').click();
    await named('first').getByText('利用可能').waitFor();
    await picture('console-backups-ja');
    await at('nav-backup-schedules').click();
    await row('nightly').getByText('毎日 03:30 (UTC)').waitFor();
    await picture('console-schedules-ja');
    await at('schedule-create').click();
    await picture('console-schedule-create-ja');
    await page.getByRole('button', { name: 'キャンセル' }).click();
    await goTo('nav-backups', 'first');
    await picture('console-backup-ja');
  });
  faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 404/.test(fault)));
  complain();
} finally {
  await close();
}
