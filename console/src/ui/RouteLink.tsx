import Link, { type LinkProps } from '@cloudscape-design/components/link';
import type { ReactNode } from 'react';
import { useNavigate } from 'react-router';

/** A link within the console: followed without loading the page anew, but still a link to open in another tab. */
export function RouteLink({ to, children, ...rest }: { to: string; children: ReactNode } & Omit<LinkProps, 'href' | 'onFollow' | 'children'>): ReactNode {
  const navigate = useNavigate();
  return (
    <Link {...rest} href={to} onFollow={(e) => { e.preventDefault(); void navigate(to); }}>
      {children}
    </Link>
  );
}
