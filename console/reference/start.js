// Shows the server's own OpenAPI document. Nothing is fetched from elsewhere: no fonts, no telemetry, no request proxy.
Scalar.createApiReference('#reference', {
  url: '/openapi/v1.json',
  withDefaultFonts: false,
  telemetry: false,
  proxyUrl: '',
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  authentication: { preferredSecurityScheme: 'token' },
});
