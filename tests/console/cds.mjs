// CD drives, and the machines of images, in the console: put in, changed, taken out. In English and Japanese.
//   node cds.mjs URL PICTURES-DIRECTORY   (password of admin in KUMOI_ADMIN_PASSWORD)
// There is an instance installer-1 that was launched from the CD debian-12-netinst, a further CD drivers, and an image windows-2022 for UEFI and emulated devices, with an instance win-1. What is asked of instances is done.
import { open } from './driver.mjs';

const [url, pictures] = process.argv.slice(2);
const { KUMOI_ADMIN_PASSWORD: password } = process.env;
if (!url || !pictures || !password) throw new Error('usage: KUMOI_ADMIN_PASSWORD=… node cds.mjs URL DIRECTORY');

const { page, at, picture, choose, logIn, step, speak, complain, close } = await open(url, pictures, { width: 1440, height: 900 });
const inDrive = (name) => at('cd-drive').filter({ hasText: name }).waitFor();
const visit = async (name) => {
  await at('nav-instances').click();
  await page.getByRole('link', { name, exact: true }).first().click();
  await at('cd-drive').waitFor();
};

await step('logs in', () => logIn('admin', password));
await step('shows the CD that an instance was launched from', async () => {
  await visit('installer-1');
  await inDrive('debian-12-netinst');
  await picture('instance-with-cd');
});
await step('changes it', async () => {
  await at('cd-attach').click();
  await picture('cd-attach');
  await choose('cd-image', 'drivers');
  await at('form-submit').click();
  await inDrive('drivers');
});
await step('takes it out', async () => {
  await at('cd-detach').click();
  await picture('cd-detach');
  await at('confirm-submit').click();
  await inDrive('Empty');
});
await step('shows the machine of an instance', async () => {
  await visit('win-1');
  await page.getByText('UEFI · Emulated (SATA, e1000e)').first().waitFor();
});
await step('does so in Japanese', async () => {
  await speak('日本語');
  await page.getByText('CD ドライブ').first().waitFor();
  await at('cd-attach').click();
  await choose('cd-image', 'drivers');
  await picture('cd-attach-ja');
  await at('form-submit').click();
  await inDrive('drivers');
  await picture('instance-with-cd-ja');
});
await step('offers firmware and devices for an image', async () => {
  await at('nav-images').click();
  await page.getByText('windows-2022').first().waitFor();
  await picture('images-ja');
  await at('create-image').click();
  await choose('image-firmware', 'UEFI');
  await picture('image-create-ja');
});
complain();
await close();
