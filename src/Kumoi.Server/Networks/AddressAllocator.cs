using System.Net;

namespace Kumoi.Server.Networks;

/// <summary>
/// Proposes addresses in order, going round, so that a freed one is not reused at once. All of it is only a hint in memory: that an
/// address has one holder is the database's constraint.
/// </summary>
public sealed class AddressAllocator
{
    // So many free addresses are noted when all used ones had to be read; the next such reading comes after as many launches.
    private const int FreeMax = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Cursor> _cursors = [];

    /// <summary>The next addresses to try. Fewer than asked for: all others are known to be taken.</summary>
    public IReadOnlyList<IPAddress> Propose(string key, IPNetwork range, int count)
    {
        var all = AddressSpan.Given(range);
        lock (_gate)
        {
            var cursor = Find(key, all);
            var proposed = new List<IPAddress>(count);
            while (proposed.Count < count)
            {
                if (cursor.Free is { } free)
                {
                    if (!free.TryDequeue(out var known)) break;
                    proposed.Add(all.At(known));
                    cursor.Next = known + 1;
                    continue;
                }
                if (cursor.Next < all.From || cursor.Next > all.To) cursor.Next = all.From;
                proposed.Add(all.At(cursor.Next++));
            }
            return proposed;
        }
    }

    /// <summary>Goes on with addresses that are not used, behind the last proposed.</summary>
    /// <param name="given">What of the range is given out, in order.</param>
    public void Learn(string key, IPNetwork range, IReadOnlyList<AddressSpan> given, IReadOnlySet<IPAddress> used)
    {
        var all = AddressSpan.Given(range);
        UInt128 start;
        lock (_gate) start = Find(key, all).Next;
        // Nobody else waits while this one looks. It takes as many turns as there are used and noted ones, however large the range is.
        var free = new Queue<UInt128>();
        foreach (var (span, from, to) in given.Select(span => (span, UInt128.Max(span.From, start), span.To)).Concat(given.Select(span => (span, span.From, UInt128.Min(span.To, start - 1)))))
            for (var next = from; next <= to && free.Count < FreeMax; next++)
                if (!used.Contains(span.At(next))) free.Enqueue(next);
        lock (_gate)
        {
            var cursor = Find(key, all);
            // If others went on meanwhile, some of these are theirs.
            if (cursor.Next == start || cursor.Free is not { Count: > 0 }) cursor.Free = free;
        }
    }

    /// <summary>Forgets that all addresses were taken, so that freed ones are seen.</summary>
    public void Forget(string key)
    {
        lock (_gate)
            if (_cursors.TryGetValue(key, out var cursor)) cursor.Free = null;
    }

    private Cursor Find(string key, AddressSpan all)
    {
        if (!_cursors.TryGetValue(key, out var cursor)) _cursors[key] = cursor = new Cursor { Next = all.From };
        return cursor;
    }

    private sealed class Cursor
    {
        /// <summary>Behind the last proposed, as a number.</summary>
        public required UInt128 Next;
        public Queue<UInt128>? Free;
    }
}
