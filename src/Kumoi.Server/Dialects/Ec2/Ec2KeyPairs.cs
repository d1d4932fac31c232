using System.Text;
using Kumoi.Api;
using Kumoi.Server.KeyPairs;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Key pairs.</summary>
public sealed class Ec2KeyPairs(KeyPairUseCases pairs, Ec2TagSource tags)
{
    public async Task<Ec2Answer> CreateKeyPair(Ec2Call call)
    {
        if (call.Parameters.Text("KeyType") is { } type and not ("rsa" or "ed25519" or "ecdsa")) return Ec2Fault.Value("KeyType", type);
        if (call.Parameters.Text("KeyFormat") is { } form and not "pem") return Ec2Fault.Unsupported($"KeyFormat {form}");
        return await MakeAsync(call, null, made => [Fields(made.Id, made.Name, made.Fingerprint), Xml.Of("keyMaterial", made.PrivateKey)]);
    }

    public async Task<Ec2Answer> ImportKeyPair(Ec2Call call)
    {
        string key;
        try
        {
            key = Encoding.ASCII.GetString(Convert.FromBase64String(call.Parameters.Required("PublicKeyMaterial")));
        }
        catch (FormatException)
        {
            return new Ec2Fault("InvalidKey.Format", 400, "invalid-value", "PublicKeyMaterial", "");
        }
        return await MakeAsync(call, key, made => [Fields(made.Id, made.Name, made.Fingerprint)]);
    }

    private async Task<Ec2Answer> MakeAsync(Ec2Call call, string? key, Func<KeyPairCreated, object?[]> content)
    {
        var asked = new CreateKeyPair(call.Parameters.Required("KeyName"), key, call.Parameters.TagsFor("key-pair"));
        if (call.Parameters.Fault is { } fault) return fault;
        var made = await pairs.CreateAsync(call.Caller, asked, null, call.Cancelled);
        if (made.Failure is { Violations: [{ Rule: "public-key" }, ..] } wrong) return new Ec2Fault("InvalidKey.Format", 400, "") { Native = wrong };
        return Ec2Answer.Of(made, one => (object?[])[content(one), asked.Tags is null ? null : Xml.Tags(asked.Tags)]);
    }

    private static object?[] Fields(string id, string name, string fingerprint) => [Xml.Of("keyPairId", id), Xml.Of("keyName", name), Xml.Of("keyFingerprint", fingerprint)];

    public async Task<Ec2Answer> DescribeKeyPairs(Ec2Call call)
    {
        var (ids, names) = (call.Parameters.Ids("KeyPairId", Ec2Kind.KeyPair), call.Parameters.Texts("KeyName"));
        var withKey = call.Parameters.Boolean("IncludePublicKey") == true;
        if (call.Parameters.Fault is { } fault) return fault;
        var all = await Ec2Lists.AllAsync(page => pairs.ListAsync(call.Caller, page, call.Cancelled), pair => pair.Id);
        if (all.Failure is { } failure) return failure;
        var tagsOf = await tags.OfAsync(call, "key-pair", all.Value.Select(pair => pair.Id));
        var filters = new Ec2Filters<KeyPair>(pair => tagsOf(pair.Id), new() { ["key-name"] = pair => [pair.Name], ["key-pair-id"] = pair => [pair.Id], ["fingerprint"] = pair => [pair.Fingerprint] });
        return Ec2Lists.Describe(call, "keySet", all.Value, ids.Count > 0 ? ids : names, pair => ids.Count > 0 ? pair.Id : pair.Name, Ec2Kind.KeyPair.NoSuch, filters, pair => new object?[]
        {
            Fields(pair.Id, pair.Name, pair.Fingerprint), Xml.Of("keyType", pair.Type switch { "ssh-ed25519" => "ed25519", "ssh-rsa" => "rsa", var other => other }), Xml.Tags(tagsOf(pair.Id)), Xml.Of("createTime", pair.CreatedAt),
            withKey ? Xml.Of("publicKey", pair.PublicKey) : null,
        });
    }

    /// <summary>One that is not there is no error, as in EC2.</summary>
    public async Task<Ec2Answer> DeleteKeyPair(Ec2Call call)
    {
        if ((call.Parameters.Id("KeyPairId", Ec2Kind.KeyPair) ?? call.Parameters.Text("KeyName")) is not { } key) return call.Parameters.Fault ?? Ec2Fault.Missing("KeyName");
        var deleted = await pairs.DeleteAsync(call.Caller, key, call.Cancelled);
        return deleted.Failure is { Code: not "not-found" } failure ? failure : Xml.Return;
    }
}
