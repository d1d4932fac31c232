using System.Collections.Immutable;
using System.Net;
using Kumoi.Api;
using Kumoi.Server.Accounts;
using Kumoi.Server.AddressPools;
using Kumoi.Server.Events;
using Kumoi.Server.Flavors;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Kumoi.Server.Zones;

namespace Kumoi.Server;

/// <summary>The records a new cloud begins with, in one transaction: the operator account and its user <c>admin</c>, a zone, flavors, ranges.</summary>
public sealed class Bootstrap(Database database, AccountUseCases accounts, EventLog events, Ids ids, ServerOptions options, TimeProvider clock)
{
    // Any fixed number that nothing else of Kumoi uses as an advisory lock.
    private const long Lock = 0x6b756d6f6a;

    public async Task<Result<Done>> RunAsync(CancellationToken cancel)
    {
        if (await database.FindAsync("SELECT 1 FROM accounts WHERE kind = 'operator'", row => row.GetInt32(0), cancel) == 1) return new Done();
        if (options.AdminPasswordFile is not { } file) throw new InvalidOperationException("The cloud is new: name a file with the password of its first user by --admin-password-file.");
        var hash = Passwords.Hash((await File.ReadAllTextAsync(file, cancel)).Trim());
        return await database.TransactionAsync<Done>(async transaction =>
        {
            await transaction.ExecuteAsync("SELECT pg_advisory_xact_lock($1)", cancel, Lock);
            if (await transaction.FindAsync("SELECT 1 FROM accounts WHERE kind = 'operator'", row => row.GetInt32(0), cancel) == 1) return new Done();
            var account = (await accounts.InsertAsync(transaction, "operator", "operator", Caller.RootDomain, cancel))!;
            var user = ids.New(Ids.User);
            // Its memberships, owner of this account and administrator of the root domain, are made with it: see the schema.
            await transaction.ExecuteAsync("INSERT INTO users (id, account_id, name, password_hash, role, created_at) VALUES ($1, $2, 'admin', $3, 'admin', $4)", cancel,
                user, account.Id, hash, clock.GetUtcNow());
            await ZoneUseCases.InsertAsync(transaction, new Zone(ids.New(Ids.Zone), "default", clock.GetUtcNow()), account.Id, cancel);
            foreach (var (name, vcpus, memoryMib, diskGib) in FlavorUseCases.Defaults)
                await FlavorUseCases.InsertAsync(transaction, new Flavor(ids.New(Ids.Flavor), name, vcpus, memoryMib, diskGib, clock.GetUtcNow(), null, ImmutableDictionary<string, string>.Empty), account.Id, cancel);
            await transaction.ExecuteAsync("INSERT INTO floating_ranges (cidr, account_id, created_at) VALUES ($1, $2, $3)", cancel,
                Columns.Cidr(IPNetwork.Parse(options.FloatingRange)), account.Id, clock.GetUtcNow());
            await AddressPoolStore.InsertAsync(transaction, account.Id, ids.New(Ids.AddressPool), AddressPoolStore.Default, "", [IPNetwork.Parse(options.FloatingRange)], clock.GetUtcNow(), cancel);
            await events.WriteAsync(transaction, account.Id, EventActor.System, "cloud.create", new Subject("account", account.Id, account.Name), cancel);
            return new Done();
        }, cancel);
    }
}
