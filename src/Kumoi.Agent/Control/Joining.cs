using System.Security.Cryptography.X509Certificates;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Control;

/// <summary>How a machine becomes a host: a token for a certificate.</summary>
public sealed class Joining(AgentPaths paths, Backoff backoff, TimeProvider clock, ILogger log)
{
    /// <summary>The stored identity, or one got with the token. Waits for a server that is away; a refusal is an exception.</summary>
    public async Task<Identity> EnsureAsync(string? tokenText, Func<HostFacts> facts, CancellationToken cancel)
    {
        if (Identity.Load(paths) is { } known) return known;
        var token = (tokenText is null ? null : JoinTokenContent.Decode(tokenText))
            ?? throw new ServerRefusedException("This host has not joined a cloud yet: a join token is needed.");
        for (var failures = 1; ; failures++)
        {
            try
            {
                return await JoinAsync(token, tokenText!, facts(), cancel);
            }
            catch (IOException e) when (e is not ServerRefusedException)
            {
                log.JoinFailed(e.Message);
                await Task.Delay(backoff.After(failures), clock, cancel);
            }
        }
    }

    private async Task<Identity> JoinAsync(JoinTokenContent token, string tokenText, HostFacts facts, CancellationToken cancel)
    {
        var (key, request) = Identity.NewKey();
        using var link = await ServerLink.ForJoiningAsync(token, clock, cancel);
        var answer = await link.JoinAsync(new JoinRequest(tokenText, request, facts), cancel);
        var identity = Accept(token, answer, key);
        identity.Save(paths);
        log.Joined(answer.HostId);
        return identity;
    }

    /// <summary>The identity that an answer gives; a refusal if the authority in it is not the token's.</summary>
    internal static Identity Accept(JoinTokenContent token, JoinAnswer answer, string privateKey)
    {
        using var authority = X509Certificate2.CreateFromPem(answer.Authority);
        if (ServerTrust.Fingerprint(authority) != token.Ca) throw new ServerRefusedException("The server named an authority that is not the token's.");
        return new Identity(answer.HostId, token.Url, privateKey, answer.Certificate, answer.Authority, null);
    }
}
