namespace Kumoi.Api;

/// <summary>A public address of an account.</summary>
/// <param name="Pool">The pool it is of; null if operators have taken its range away since.</param>
/// <param name="Interface">Id of the interface that the outside reaches by it; null: none.</param>
/// <param name="Instance">The interface's instance.</param>
/// <param name="Kept">True: the account has it until it deletes it; false: it came with its instance, and goes with it.</param>
/// <param name="Network">The network that it serves as a whole, with port forwards or as the source of what leaves, or by a load balancer; null: none.</param>
/// <param name="LoadBalancer">The load balancer that the outside reaches by it; null: none.</param>
public sealed record FloatingAddress(
    string Id, string Address, Ref? Pool, string? Interface, Ref? Instance, bool Kept, string Description, DateTimeOffset CreatedAt, Ref? Network, Ref? LoadBalancer);

/// <param name="Pool">Default: <c>default</c>, or that of the address.</param>
/// <param name="Address">One that nobody has; default: the next free one.</param>
/// <param name="Tags">Up to 50 keys (1 to 128 characters, without <c>=</c>) with values of up to 256 characters.</param>
public sealed record CreateFloatingAddress(string? Pool, string? Address, string? Description, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Leads an address to an interface, or to a load balancer.</summary>
/// <param name="Instance">Its only interface, or its first one.</param>
/// <param name="Interface">The interface, if not by the instance.</param>
/// <param name="Move">Takes the address away from where it is.</param>
/// <param name="LoadBalancer">The load balancer, if it is to lead to one: every listener's port.</param>
public sealed record AssociateFloatingAddress(string? Instance, string? Interface, bool? Move, string? LoadBalancer = null);
