import '@cloudscape-design/global-styles/index.css';
import './shell/shell.css';
import './shell/mode';
import './shell/reloadOnce';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router';
import { ProblemError } from './api/problem';
import { ComponentTexts } from './i18n/ComponentTexts';
import { router } from './routes';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // An answer of the API stands; only a request that got none is tried again.
      retry: (failures, error) => !(error instanceof ProblemError && error.problem.status < 500) && failures < 2,
    },
  },
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <ComponentTexts>
        <RouterProvider router={router} />
      </ComponentTexts>
    </QueryClientProvider>
  </StrictMode>,
);
