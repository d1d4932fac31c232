using Kumoi.Api;
using Kumoi.Server.Events;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;
using Kumoi.Server.Platform.Postgres;
using Kumoi.Server.Platform.Security;
using Npgsql;

namespace Kumoi.Server.KeyPairs;

/// <summary>SSH key pairs. Generated private keys are answered once and stored nowhere.</summary>
public sealed class KeyPairUseCases(Database database, EventLog events, Ids ids, TimeProvider clock)
{
    private const string Columns = "SELECT id, name, type, fingerprint, public_key, created_at FROM key_pairs ";

    private static KeyPair Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.Time(5));

    public async Task<Result<Page<KeyPair>>> ListAsync(Caller caller, PageRequest page, CancellationToken cancel) => page.Of(
        await database.QueryAsync(Columns + "WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3", Read, cancel, caller.AccountId, page.After, page.Limit + 1),
        pair => pair.Id);

    public async Task<Result<KeyPair>> GetAsync(Caller caller, string key, CancellationToken cancel) =>
        await database.FindAsync(Columns + "WHERE account_id = $1 AND (id = $2 OR name = $2)", Read, cancel, caller.AccountId, key) is { } pair
            ? pair : Failure.NotFound("key-pair", key);

    public async Task<Result<KeyPairCreated>> CreateAsync(Caller caller, CreateKeyPair create, IdempotencyKey? once, CancellationToken cancel)
    {
        var name = Names.Normal(create.Name);
        if (Names.Check("name", name) is { } violation) return Failure.Invalid(violation);
        if (Tags.CheckNew(create.Tags).ToArray() is { Length: > 0 } tagged) return Failure.Invalid(tagged);
        string? privateKey = null;
        SshPublicKey? key;
        if (create.PublicKey is { } given)
        {
            key = SshPublicKey.Parse(given);
            if (key is null) return Failure.Invalid("publicKey", "public-key");
        }
        else (key, privateKey) = SshPublicKey.Generate(name);
        var stored = await database.TransactionAsync<KeyPairCreated>(transaction => Idempotency.OnceAsync<KeyPairCreated>(transaction, caller, once, clock.GetUtcNow(), cancel, async () =>
        {
            var pair = new KeyPairCreated(ids.New(Ids.KeyPair), name, key.Type, key.Fingerprint, key.Text, clock.GetUtcNow(), null);
            var made = await transaction.ExecuteAsync(
                """
                INSERT INTO key_pairs (id, account_id, name, type, fingerprint, public_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (account_id, name) DO NOTHING
                """, cancel, pair.Id, caller.AccountId, name, pair.Type, pair.Fingerprint, pair.PublicKey, pair.CreatedAt);
            if (made == 0) return Failure.NameTaken("key-pair", name);
            await Tags.SetAsync(transaction, "key_pairs", pair.Id, create.Tags, cancel);
            await events.WriteAsync(transaction, caller, "key-pair.create", new Subject("key-pair", pair.Id, name), cancel);
            return pair;
        }), cancel);
        // A repeat of an earlier create answers the pair made then; the private key just generated does not belong to it.
        return stored.Failure is null && stored.Value.PublicKey == key.Text ? stored.Value with { PrivateKey = privateKey } : stored;
    }

    public Task<Result<Done>> DeleteAsync(Caller caller, string key, CancellationToken cancel) => database.TransactionAsync<Done>(async transaction =>
    {
        var pair = await transaction.FindAsync("DELETE FROM key_pairs WHERE account_id = $1 AND (id = $2 OR name = $2) RETURNING id, name",
            row => new Ref(row.GetString(0), row.GetString(1)), cancel, caller.AccountId, key);
        if (pair is null) return Failure.NotFound("key-pair", key);
        await events.WriteAsync(transaction, caller, "key-pair.delete", new Subject("key-pair", pair.Id, pair.Name), cancel);
        return new Done();
    }, cancel);
}

public static class KeyPairEndpoints
{
    public static void MapKeyPairs(this IEndpointRouteBuilder routes, KeyPairUseCases pairs)
    {
        routes.Get("/key-pairs", Permission.Read("key-pairs"), "ListKeyPairs", "List key pairs",
            async call => await PageRequest.Read(call).Then(page => pairs.ListAsync(call.Caller, page, call.Cancelled))).WithPaging();
        routes.Post<CreateKeyPair, KeyPairCreated>("/key-pairs", Permission.Write("key-pairs"), "CreateKeyPair", "Import a public key, or generate a pair and get its private key once", 201,
            async (call, create) => await Endpoints.Idempotency(call).Then(once => pairs.CreateAsync(call.Caller, create, once, call.Cancelled))).WithIdempotencyKey();
        routes.Get("/key-pairs/{keyPair}", Permission.Read("key-pairs"), "ShowKeyPair", "Show a key pair", call => pairs.GetAsync(call.Caller, call.Route("keyPair"), call.Cancelled));
        routes.Delete("/key-pairs/{keyPair}", Permission.Write("key-pairs"), "DeleteKeyPair", "Remove a key pair; running instances keep the key they were launched with",
            call => pairs.DeleteAsync(call.Caller, call.Route("keyPair"), call.Cancelled));
    }
}
