using System.Text;
using System.Text.Json;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;

namespace Kumoi.Server.Accounts.Directories;

/// <summary>Signing in of people whose password a directory (LDAP) knows.</summary>
public sealed class DirectoryLogin(Database database, LdapDoor door, DirectoryUsers users, MasterKey masterKey, ILogger<DirectoryLogin> log)
{
    /// <param name="directoryId">The directory that the user is of; null if there is no user of this name.</param>
    /// <returns>The user's id, null if the password is wrong or nobody knows the name, or <c>directory-away</c>.</returns>
    public async Task<Result<string?>> FindAsync(string name, string password, string? directoryId, CancellationToken cancel)
    {
        var places = await database.QueryAsync(
            "SELECT id, url, bind_dn, sealed_password, base_dn, user_filter, account_id, default_role, group_roles FROM directories WHERE kind = 'ldap' AND (($1::text IS NULL AND account_id IS NOT NULL) OR id = $1) ORDER BY id",
            row => (Place: new DirectoryPlace(row.GetString(0), row.TextOrNull(6), row.TextOrNull(7), JsonSerializer.Deserialize(row.GetString(8), ApiJson.Default.GroupRoleArray)!), Ldap: new LdapPlace(row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : Encoding.UTF8.GetString(masterKey.Decrypt(row.GetFieldValue<byte[]>(3), DirectoryUseCases.Purpose(row.GetString(0)))), row.GetString(4), row.GetString(5))), cancel, Columns.Text(directoryId));
        var away = false;
        foreach (var (place, ldap) in places)
        {
            try
            {
                if (await door.FindAsync(ldap, name, password, [.. place.GroupRoles.Select(g => g.Group)]) is { } person) return await users.EnterAsync(place, new DirectoryPerson(name, null, person.Groups, person.Dn), cancel);
            }
            catch (DirectoryException e)
            {
                DirectoryLog.Away(log, place.Id, ldap.Url, e.Message);
                away = true;
            }
        }
        return away ? new Failure("directory-away", 503) : (string?)null;
    }
}

internal static partial class DirectoryLog
{
    [LoggerMessage(2902, LogLevel.Warning, "The directory {Directory} at {Url} could not be asked: {Message}")]
    public static partial void Away(ILogger logger, string directory, string url, string message);
}
