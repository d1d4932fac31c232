using System.DirectoryServices.Protocols;
using System.Globalization;
using System.Net;
using System.Text;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>How a directory is asked.</summary>
public sealed record LdapPlace(string Url, string BindDn, string? BindPassword, string BaseDn, string UserFilter);

/// <summary>What a directory said of somebody who came with a name and a password.</summary>
/// <param name="Groups">Of the groups that were asked about, those that it is in.</param>
public sealed record LdapPerson(string Dn, IReadOnlyList<string> Groups);

/// <summary>Asks directories by LDAP (RFC 4511), through the system's libldap, encrypted always. The certificates that it trusts are the system's (<c>TLS_CACERT</c> of <c>ldap.conf</c>).</summary>
public sealed class LdapDoor
{
    // Longer keeps people who mistyped waiting for a directory that is away; shorter gives up one that is far.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The person whose name and password these are, or null. Throws <see cref="DirectoryException"/> if the directory does not answer as it should.</summary>
    public Task<LdapPerson?> FindAsync(LdapPlace place, string name, string password, IReadOnlyList<string> groups) => Task.Run(() =>
    {
        // A bind without a password succeeds for everybody (RFC 4513, 5.1.2).
        if (password.Length == 0) return null;
        try
        {
            using var connection = Open(place, place.BindDn, place.BindPassword);
            var found = Search(connection, place.BaseDn, SearchScope.Subtree, string.Format(CultureInfo.InvariantCulture, place.UserFilter, Escaped(name)), 2);
            // Nobody, or several of one name: then it is nobody in particular.
            if (found.Count != 1) return null;
            var dn = found[0].DistinguishedName;
            try
            {
                using var own = Open(place, dn, password);
            }
            catch (LdapException e) when (e.ErrorCode == InvalidCredentials)
            {
                return null;
            }
            catch (DirectoryOperationException e) when (e.Response?.ResultCode is ResultCode.UnwillingToPerform or ResultCode.ConstraintViolation)
            {
                // Locked, or expired: the directory will not have it.
                return null;
            }
            var filter = $"(|(member={Escaped(dn)})(uniqueMember={Escaped(dn)})(memberUid={Escaped(name)}))";
            return new LdapPerson(dn, [.. groups.Where(group => Exists(connection, group, filter))]);
        }
        catch (Exception e) when (e is LdapException or DirectoryOperationException)
        {
            throw new DirectoryException(e.Message, e);
        }
    });

    private const int InvalidCredentials = 49, SecurePort = 636;

    private static LdapConnection Open(LdapPlace place, string dn, string? password)
    {
        var url = new Uri(place.Url);
        var connection = new LdapConnection(new LdapDirectoryIdentifier(url.Host, url.Port > 0 ? url.Port : SecurePort)) { AuthType = dn.Length == 0 ? AuthType.Anonymous : AuthType.Basic, Timeout = Patience, AutoBind = false };
        try
        {
            connection.SessionOptions.ProtocolVersion = 3;
            connection.SessionOptions.ReferralChasing = ReferralChasingOptions.None;
            connection.SessionOptions.SecureSocketLayer = true;
            if (dn.Length == 0) connection.Bind();
            else connection.Bind(new NetworkCredential(dn, password ?? ""));
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static List<SearchResultEntry> Search(LdapConnection connection, string dn, SearchScope scope, string filter, int most)
    {
        var request = new SearchRequest(dn, filter, scope, "1.1") { SizeLimit = most, TimeLimit = Patience };
        try
        {
            return [.. ((SearchResponse)connection.SendRequest(request, Patience)).Entries.Cast<SearchResultEntry>()];
        }
        catch (DirectoryOperationException e) when (e.Response is SearchResponse { ResultCode: ResultCode.SizeLimitExceeded } partly)
        {
            return [.. partly.Entries.Cast<SearchResultEntry>()];
        }
    }

    private static bool Exists(LdapConnection connection, string dn, string filter)
    {
        try
        {
            return Search(connection, dn, SearchScope.Base, filter, 1).Count == 1;
        }
        catch (DirectoryOperationException e) when (e.Response?.ResultCode == ResultCode.NoSuchObject)
        {
            return false;
        }
    }

    /// <summary>A value for a filter: what would end it, and all that is not plain, as its bytes (RFC 4515).</summary>
    public static string Escaped(string value)
    {
        var text = new StringBuilder();
        foreach (var one in Encoding.UTF8.GetBytes(value))
            if (one is >= (byte)'a' and <= (byte)'z' or >= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9' or (byte)'-' or (byte)'_' or (byte)'.' or (byte)'@' or (byte)',' or (byte)'=' or (byte)' ') text.Append((char)one);
            else text.Append(CultureInfo.InvariantCulture, $"\\{one:x2}");
        return text.ToString();
    }
}

/// <summary>A directory that does not answer, or not as it should.</summary>
public sealed class DirectoryException(string message, Exception inner) : Exception(message, inner);
