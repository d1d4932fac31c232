using System.Security.Cryptography.X509Certificates;
using Kumoi.Agent.Linux;
using Kumoi.Api.Agent;
using Kumoi.Reconcile;
using Microsoft.Extensions.Logging;

namespace Kumoi.Agent.Control;

/// <summary>How a machine becomes a host: a token for a certificate.</summary>
public sealed class Joining(AgentPaths paths, Backoff backoff, TimeProvider clock, ILogger log)
{
    /// <summary>The stored identity, or one got with the token. Waits for a server that is away; a refusal is an exception.</summary>
    /// <param name="stores">What the host keeps volumes in, as far as that answers.</param>
    public async Task<Identity> EnsureAsync(string? tokenText, Func<HostFacts> facts, Func<CancellationToken, Task<IReadOnlyList<ObservedStore>>>? stores, CancellationToken cancel)
    {
        if (Identity.Load(paths) is { } known) return known;
        var token = (tokenText is null ? null : JoinTokenContent.Decode(tokenText))
            ?? throw new ServerRefusedException("This host has not joined a cloud yet: a join token is needed.");
        // The same key at every try, also after a restart: when only the answer was lost, the cloud knows the host by it.
        var key = JoiningKey.LoadOrMake(paths);
        for (var failures = 1; ; failures++)
        {
            try
            {
                return await JoinAsync(token, new JoinRequest(tokenText!, Identity.RequestFor(key), facts(), stores is null ? null : await stores(cancel)), key, cancel);
            }
            catch (IOException e) when (e is not ServerRefusedException)
            {
                log.JoinFailed(e.Message);
                await Task.Delay(backoff.After(failures), clock, cancel);
            }
        }
    }

    private async Task<Identity> JoinAsync(JoinTokenContent token, JoinRequest request, string key, CancellationToken cancel)
    {
        using var link = await ServerLink.ForJoiningAsync(token, clock, cancel);
        var answer = await link.JoinAsync(request, cancel);
        var identity = Accept(token, answer, key);
        identity.Save(paths);
        JoiningKey.Forget(paths);
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

/// <summary>The key of a host that has asked to join and has no answer yet. A file readable by root alone.</summary>
internal static class JoiningKey
{
    public static string LoadOrMake(AgentPaths paths)
    {
        if (File.Exists(FileOf(paths))) return File.ReadAllText(FileOf(paths));
        var (key, _) = Identity.NewKey();
        DurableFiles.MakeDirectory(paths.State, AgentModes.Passable);
        DurableFiles.Write(FileOf(paths), System.Text.Encoding.ASCII.GetBytes(key), AgentModes.PrivateFile);
        return key;
    }

    public static void Forget(AgentPaths paths) => File.Delete(FileOf(paths));

    private static string FileOf(AgentPaths paths) => Path.Combine(paths.State, "joining.pem");
}
