namespace Kumoi.Agent.LoadBalancers;

/// <summary>Turns weights into a row of places, of which one after the other is taken.</summary>
public static class Shares
{
    /// <summary>Places of one row. Too low: weights far apart are rounded; too high: a change of one member sets a long map.</summary>
    public const int PlacesMax = 512;

    /// <summary>
    /// Each index as often as its weight says, spread evenly (the smooth weighted round-robin of nginx): of 5, 1 and 1 the order is 0 0 1 0 2 0 0. Weights are divided by
    /// what they have in common, and rounded if they need more than <see cref="PlacesMax"/> places; none but 0 becomes 0.
    /// </summary>
    public static IReadOnlyList<int> Row(IReadOnlyList<int> weights)
    {
        var common = weights.Where(weight => weight > 0).Aggregate(0, Common);
        if (common == 0) return [];
        int[] parts = [.. weights.Select(weight => weight / common)];
        var total = parts.Sum();
        if (total > PlacesMax) parts = [.. parts.Select(part => part == 0 ? 0 : Math.Max(1, (int)((long)part * PlacesMax / total)))];
        total = parts.Sum();
        var (row, credit) = (new int[total], new int[parts.Length]);
        for (var place = 0; place < total; place++)
        {
            var best = -1;
            for (var i = 0; i < parts.Length; i++)
            {
                credit[i] += parts[i];
                if (parts[i] > 0 && (best < 0 || credit[i] > credit[best])) best = i;
            }
            credit[best] -= total;
            row[place] = best;
        }
        return row;
    }

    private static int Common(int a, int b) => b == 0 ? a : Common(b, a % b);
}
