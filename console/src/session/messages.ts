import type { Messages } from '../i18n/messages';

export const sessionMessages = {
  'session.logIn': { en: 'Log in', ja: 'ログイン' },
  'session.user': { en: 'User', ja: 'ユーザー' },
  'session.password': { en: 'Password', ja: 'パスワード' },
  'session.expired': { en: 'Your session has ended. Log in to go on where you were.', ja: 'セッションが終了しました。ログインすると元の画面に戻ります。' },
  'session.wait': { en: 'Too many attempts. Try again in {seconds} s.', ja: '試行回数が多すぎます。{seconds} 秒後にもう一度お試しください。' },
} as const satisfies Messages;
