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
        lock (_gate)
        {
            var cursor = Find(key);
            var proposed = new List<IPAddress>(count);
            while (proposed.Count < count)
            {
                if (cursor.Free is { } free)
                {
                    if (!free.TryDequeue(out var known)) break;
                    proposed.Add(Ipv4.At(range, known));
                    cursor.Next = known + 1;
                    continue;
                }
                if (cursor.Next > Last(range)) cursor.Next = First;
                proposed.Add(Ipv4.At(range, cursor.Next++));
            }
            return proposed;
        }
    }

    /// <summary>Goes on with addresses that are not among the used ones, behind the last proposed.</summary>
    public void Learn(string key, IPNetwork range, IReadOnlySet<IPAddress> used)
    {
        lock (_gate)
        {
            var cursor = Find(key);
            var size = Last(range) - First + 1;
            var start = cursor.Next > Last(range) ? First : cursor.Next;
            var free = new Queue<long>();
            for (var i = 0L; i < size && free.Count < FreeMax; i++)
            {
                var offset = First + (start - First + i) % size;
                if (!used.Contains(Ipv4.At(range, offset))) free.Enqueue(offset);
            }
            cursor.Free = free;
        }
    }

    /// <summary>Forgets that all addresses were taken, so that freed ones are seen.</summary>
    public void Forget(string key)
    {
        lock (_gate) Find(key).Free = null;
    }

    // The network's own address and the gateway's, and at the end the broadcast address, are never given out.
    private const long First = 2;

    private static long Last(IPNetwork range) => Ipv4.Size(range) - 2;

    private Cursor Find(string key)
    {
        if (!_cursors.TryGetValue(key, out var cursor)) _cursors[key] = cursor = new Cursor();
        return cursor;
    }

    private sealed class Cursor
    {
        public long Next = First;
        public Queue<long>? Free;
    }
}
