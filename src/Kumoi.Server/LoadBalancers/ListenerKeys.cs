using System.Security.Cryptography;
using System.Text;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.LoadBalancers;

/// <summary>Keeps listeners' private keys: encrypted in the database, in clear only in the documents of hosts that carry the network.</summary>
public sealed class ListenerKeys(MasterKey masterKey, ILogger<ListenerKeys> log)
{
    /// <summary>A key is good for its listener only: moved to another row it cannot be read.</summary>
    private static string Purpose(string listenerId) => "load-balancer-listener " + listenerId;

    public byte[] Seal(string listenerId, string key) => masterKey.Encrypt(Encoding.UTF8.GetBytes(key), Purpose(listenerId));

    /// <summary>The key in PEM; null if this server's master key is not the one that it was encrypted under.</summary>
    public string? Open(string listenerId, byte[] sealedKey)
    {
        try
        {
            return Encoding.UTF8.GetString(masterKey.Decrypt(sealedKey, Purpose(listenerId)));
        }
        catch (CryptographicException)
        {
            LoadBalancerLog.KeyUnreadable(log, listenerId);
            return null;
        }
    }
}

internal static partial class LoadBalancerLog
{
    [LoggerMessage(3401, LogLevel.Error, "The private key of listener {Listener} cannot be read with this server's master key, so hosts are not told of it. Give the servers the same key, or set the certificate anew.")]
    public static partial void KeyUnreadable(ILogger logger, string listener);
}
