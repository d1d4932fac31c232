using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Kumoi.Server.Accounts.Directories.OpenId;

/// <summary>What identity providers say of themselves (OpenID Connect Discovery 1.0), and their keys.</summary>
public sealed class Issuers(IssuerHttp http, TimeProvider clock)
{
    // A key that a provider has withdrawn is believed no longer than this; shorter asks it more often. One that is new is asked for when it is first met.
    private static readonly TimeSpan Life = TimeSpan.FromHours(1);

    // Tokens with wrong signatures must not become a way to have a provider asked over and over; nor must a provider that is away hold up everybody who comes.
    private static readonly TimeSpan RenewalPause = TimeSpan.FromSeconds(10), FailurePause = TimeSpan.FromSeconds(2);

    private sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public OpenIdConnectConfiguration? Known { get; set; }

        public DateTimeOffset ReadAt { get; set; }

        public DateTimeOffset RenewedAt { get; set; }

        public (DateTimeOffset At, IssuerException Why)? Failed { get; set; }
    }

    private readonly ConcurrentDictionary<string, Entry> _entries = new();

    /// <summary>Throws <see cref="IssuerException"/> if the provider cannot be asked.</summary>
    public Task<OpenIdConnectConfiguration> GetAsync(string issuer, CancellationToken cancel) => GetAsync(issuer, false, cancel);

    /// <summary>The provider's keys anew, unless they were renewed just now: it may have exchanged them.</summary>
    public Task<OpenIdConnectConfiguration> RenewAsync(string issuer, CancellationToken cancel) => GetAsync(issuer, true, cancel);

    private async Task<OpenIdConnectConfiguration> GetAsync(string issuer, bool anew, CancellationToken cancel)
    {
        var entry = _entries.GetOrAdd(issuer, _ => new Entry());
        await entry.Gate.WaitAsync(cancel);
        try
        {
            var now = clock.GetUtcNow();
            anew &= now - entry.RenewedAt >= RenewalPause;
            if (!anew && entry.Known is { } known && now - entry.ReadAt < Life) return known;
            if (entry.Failed is var (at, why) && now - at < FailurePause) throw new IssuerException(why.Message, why);
            try
            {
                entry.Known = await ReadAsync(issuer, cancel);
            }
            catch (IssuerException e)
            {
                entry.Failed = (clock.GetUtcNow(), e);
                throw;
            }
            (entry.ReadAt, entry.RenewedAt, entry.Failed) = (now, anew ? now : entry.RenewedAt, null);
            return entry.Known;
        }
        finally
        {
            entry.Gate.Release();
        }
    }

    private async Task<OpenIdConnectConfiguration> ReadAsync(string issuer, CancellationToken cancel)
    {
        OpenIdConnectConfiguration read;
        try
        {
            read = await OpenIdConnectConfigurationRetriever.GetAsync(issuer.TrimEnd('/') + "/.well-known/openid-configuration", http, cancel);
        }
        catch (Exception e) when (e is ArgumentException or JsonException or InvalidOperationException or FormatException or NotSupportedException)
        {
            throw new IssuerException("Its metadata cannot be read: " + e.Message, e);
        }
        // Else one provider could speak for another one (Discovery 1.0, 4.3).
        if (read.Issuer != issuer) throw new IssuerException($"It calls itself {read.Issuer}.");
        foreach (var address in (string[])[read.AuthorizationEndpoint, read.TokenEndpoint, .. string.IsNullOrEmpty(read.UserInfoEndpoint) ? Array.Empty<string>() : [read.UserInfoEndpoint]])
            if (!http.Allows(address)) throw new IssuerException($"Its address {address} is not https.");
        return read.SigningKeys.Count > 0 ? read : throw new IssuerException("It has no keys to sign with.");
    }
}
