using System.Collections.Immutable;
using Kumoi.Server.ResourceTags;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>The tags of resources that are described. What has a name and no tag <c>Name</c> is told with one, since EC2's clients show that.</summary>
public sealed class Ec2TagSource(ResourceTagUseCases tags)
{
    private const string Name = "Name";

    /// <summary>Tags by native id, of one kind.</summary>
    public async Task<Func<string, IReadOnlyDictionary<string, string>>> OfAsync(Ec2Call call, string type, IEnumerable<string> ids)
    {
        var found = await tags.ReadAsync(call.Caller, type, [.. ids], call.Cancelled);
        return id => found.GetValueOrDefault(id) ?? ImmutableDictionary<string, string>.Empty;
    }

    public static IReadOnlyDictionary<string, string> Named(IReadOnlyDictionary<string, string> tags, string id, string name) =>
        name == id || tags.ContainsKey(Name) ? tags : new Dictionary<string, string>(tags) { [Name] = name };

    /// <summary>The native name for what is to be made with tags: what the tag <c>Name</c> says; null: its id.</summary>
    public static string? NameOf(IReadOnlyDictionary<string, string>? tags) => tags?.GetValueOrDefault(Name) is { } name && Platform.Names.Check("name", Platform.Names.Normal(name)) is null ? name : null;
}
