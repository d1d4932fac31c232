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
                    proposed.Add(AddressRange.At(range, known));
                    cursor.Next = known + 1;
                    continue;
                }
                if (cursor.Next > AddressRange.Last(range)) cursor.Next = AddressRange.First;
                proposed.Add(AddressRange.At(range, cursor.Next++));
            }
            return proposed;
        }
    }

    /// <summary>Goes on with addresses that are not used, behind the last proposed.</summary>
    public void Learn(string key, IPNetwork range, Predicate<IPAddress> used)
    {
        lock (_gate)
        {
            var cursor = Find(key);
            var size = AddressRange.Last(range) - AddressRange.First + 1;
            var start = cursor.Next > AddressRange.Last(range) ? AddressRange.First : cursor.Next;
            var free = new Queue<long>();
            for (var i = 0L; i < size && free.Count < FreeMax; i++)
            {
                var offset = AddressRange.First + (start - AddressRange.First + i) % size;
                if (!used(AddressRange.At(range, offset))) free.Enqueue(offset);
            }
            cursor.Free = free;
        }
    }

    /// <summary>Forgets that all addresses were taken, so that freed ones are seen.</summary>
    public void Forget(string key)
    {
        lock (_gate) Find(key).Free = null;
    }

    private Cursor Find(string key)
    {
        if (!_cursors.TryGetValue(key, out var cursor)) _cursors[key] = cursor = new Cursor();
        return cursor;
    }

    private sealed class Cursor
    {
        public long Next = AddressRange.First;
        public Queue<long>? Free;
    }
}
