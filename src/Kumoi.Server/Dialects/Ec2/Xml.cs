using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace Kumoi.Server.Dialects.Ec2;

/// <summary>Elements of EC2's answers. What is null is left out.</summary>
internal static class Xml
{
    public static readonly XNamespace Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";

    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static XElement Return { get; } = new(Namespace + "return", true);

    public static XElement? Of(string name, object? value) => value switch
    {
        null => null,
        string text => new XElement(Namespace + name, Plain(text)),
        DateTimeOffset time => new XElement(Namespace + name, Time(time)),
        _ => new XElement(Namespace + name, value),
    };

    public static XElement Group(string name, params object?[] content) => new(Namespace + name, content);

    /// <summary>A list: an element <c>item</c> for each.</summary>
    public static XElement Set<T>(string name, IEnumerable<T> items, Func<T, object?> content) => new(Namespace + name, items.Select(item => new XElement(Namespace + "item", content(item))));

    public static XElement Tags(IEnumerable<KeyValuePair<string, string>> tags) => Set("tagSet", tags.OrderBy(tag => tag.Key, StringComparer.Ordinal), tag => new object?[] { Of("key", tag.Key), Of("value", tag.Value) });

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture);

    /// <summary>Without what XML cannot hold.</summary>
    private static string Plain(string text) => IsPlain(text) ? text : string.Create(text.Length, text, static (plain, all) =>
    {
        for (var i = 0; i < all.Length; i++)
            if (i + 1 < all.Length && char.IsSurrogatePair(all[i], all[i + 1])) (plain[i], plain[i + 1]) = (all[i], all[++i]);
            else plain[i] = XmlConvert.IsXmlChar(all[i]) ? all[i] : ' ';
    });

    private static bool IsPlain(string text) => text.All(XmlConvert.IsXmlChar);
}
