using System.Collections.Frozen;
using System.Text;

namespace Kumoi.Agent.Metadata;

/// <summary>
/// The versions of the instance metadata service that tools may name, as EC2 lists them. All answer alike: the later ones differ from the earlier ones
/// by what they tell beside.
/// </summary>
internal static class MetadataVersions
{
    private static readonly string[] All =
    [
        "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20",
        "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03", "2021-03-23", "2021-07-15", "latest",
    ];

    private static readonly FrozenSet<string> Known = All.ToFrozenSet(StringComparer.Ordinal);

    public static bool Has(string version) => Known.Contains(version);

    /// <summary>What is read at the root: one a line.</summary>
    public static byte[] Listing() => Encoding.ASCII.GetBytes(string.Join('\n', All));
}
