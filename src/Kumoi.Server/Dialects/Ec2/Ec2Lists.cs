using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Kumoi.Api;
using Kumoi.Server.Platform;
using Kumoi.Server.Platform.Http;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Descriptions: everything of a kind that the account has, what was asked for of it, and a page of that.</summary>
internal static class Ec2Lists
{
    private const int ResultsMax = 1000;

    /// <summary>All rows of a use case that answers in pages.</summary>
    public static async Task<Result<List<T>>> AllAsync<T>(Func<PageRequest, Task<Result<Page<T>>>> list, Func<T, string> id)
    {
        var all = new List<T>();
        for (var page = new PageRequest(PageRequest.LimitMax, ""); ; page = page with { After = id(all[^1]) })
        {
            var found = await list(page);
            if (found.Failure is { } failure) return failure;
            all.AddRange(found.Value.Items);
            if (found.Value.Next is null) return all;
        }
    }

    /// <summary>
    /// Those that were named, fit the filters, and are on the page that was asked for. A named one that is not there is an error.
    /// </summary>
    /// <param name="ids">EC2's ids, or other names of what is asked for; empty: all.</param>
    /// <param name="name">What a resource is called in <paramref name="ids"/>.</param>
    public static Ec2Answer Describe<T>(
        Ec2Call call, string set, IReadOnlyList<T> all, IReadOnlyList<string> ids, Func<T, string> name, Func<string, Ec2Fault> missing, Ec2Filters<T> filters, Func<T, object?> content)
    {
        if (filters.Read(call.Parameters) is not { } fits) return call.Parameters.Fault!;
        if (Missing(all, ids, name, missing) is { } unknown) return unknown;
        var named = ids.Count == 0 ? all : [.. all.Where(one => ids.Contains(name(one)))];
        return Page(call, set, [.. named.Where(fits)], name, content);
    }

    /// <summary>The first of the names that stands for nothing; null: all do for something.</summary>
    public static Ec2Fault? Missing<T>(IReadOnlyList<T> all, IReadOnlyList<string> ids, Func<T, string> name, Func<string, Ec2Fault> missing)
    {
        var known = all.Select(name).ToHashSet(StringComparer.Ordinal);
        return ids.FirstOrDefault(id => !known.Contains(id)) is { } unknown ? missing(unknown) : null;
    }

    /// <summary>A page of rows that are in the order of what they are called by, and where the next begins.</summary>
    public static Ec2Answer Page<T>(Ec2Call call, string set, IReadOnlyList<T> rows, Func<T, string> name, Func<T, object?> content)
    {
        var limit = call.Parameters.Integer("MaxResults");
        if (limit is < 1) return Ec2Fault.Value("MaxResults", limit.Value.ToString(CultureInfo.InvariantCulture));
        var after = call.Parameters.Text("NextToken") is not { } token ? "" : Read(token) ?? call.Parameters.Refuse<string>(new Ec2Fault("InvalidNextToken", 400, "invalid-next-token"));
        if (call.Parameters.Fault is { } fault) return fault;
        var rest = rows.OrderBy(name, StringComparer.Ordinal).Where(row => string.CompareOrdinal(name(row), after) > 0).ToList();
        var page = limit is null ? rest : [.. rest.Take(Math.Min(limit.Value, ResultsMax))];
        return new object?[] { Xml.Set(set, page, content), page.Count < rest.Count ? Xml.Of("nextToken", Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name(page[^1])))) : null };
    }

    private static string? Read(string token)
    {
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
