using FsCheck;
using FsCheck.Fluent;
using Kumoi.Agent.Volumes.Directories;
using Kumoi.Api.Agent;
using Xunit;

namespace Kumoi.Agent.Tests.Volumes;

/// <summary>
/// Goal: whatever is written, taken, forgotten and put back, with a guest or without, wherever a step is cut off and whatever work fails, each content is read as it
/// was, and in the end no layer is left that nobody needs; what has failed is not begun again before it has rested. Method: layers in memory, in which an unwritten place is what the layer below has; the plan's steps are done to them by halves.
/// </summary>
public sealed class LayerPlannerProperties
{
    [Fact]
    public void Contents_stay_and_what_nobody_needs_goes()
    {
        var histories = Gen.Choose(0, 99).ListOf(120);
        FsCheck.Fluent.Prop.ForAll(histories.ToArbitrary(), history =>
        {
            var model = new Model();
            foreach (var drawn in history) model.Live(drawn);
            return model.Settle();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));
    }

    /// <summary>The layers of one volume, with eight places to write to in each.</summary>
    private sealed class Model
    {
        private const int Places = 8;

        private readonly SortedDictionary<int, (int? Backing, int?[] Data)> _files = new() { [0] = (null, new int?[Places]) };
        private readonly int[] _content = new int[Places];
        private readonly Dictionary<string, int[]> _kept = [];
        private LayerState _state = LayerState.Initial;
        private List<int>? _chain;
        private List<int> _loose = [];
        private LayerWork? _work, _beside;
        private bool _rests;
        private int _count;

        public void Live(int drawn)
        {
            Check();
            switch (drawn % 10)
            {
                case 0 or 1: Write(drawn % Places); break;
                case 2: Take(); break;
                case 3 when _state.Snapshots.Count > 0:
                    var due = _state.Snapshots[drawn % _state.Snapshots.Count];
                    _kept.Remove(due.Id);
                    _state = _state with { Snapshots = [.. _state.Snapshots.Where(one => one != due)] };
                    break;
                case 4 when _chain is null: Start(); break;
                // Killed: what it worked on is left as it is, and what it did not finish is not finished.
                case 4: (_chain, _loose, _work) = (null, [], null); break;
                case 5 when _chain is null && _state.Snapshots.FirstOrDefault(one => one.TakenAt is not null) is { } back:
                    _beside = null;
                    var next = See().Free;
                    _files[next] = (back.Layer, new int?[Places]);
                    _state = _state with { Head = next, Inserted = null, Restored = _state.Restored + 1 };
                    _kept[back.Id].CopyTo(_content, 0);
                    break;
                case 6: (_beside, _rests) = (null, false); break;
                default: Step(drawn); break;
            }
            Check();
        }

        /// <summary>Nothing is cut off any more. True if what is left is needed.</summary>
        public bool Settle()
        {
            _rests = false;
            for (var round = 0; round < 400; round++)
            {
                if (LayerPlanner.Pending(See()).Any()) Switch();
                if (!Step(99) && _work is null && _beside is null)
                {
                    // Brought together in a process, the guest's own layer stays over one that is nobody's, until the guest ends.
                    var contents = See().Contents.Count();
                    var fits = _files.Count <= contents + (_chain is null ? 0 : 1) + _files.Keys.Count(layer => See().ChildrenOf(layer).Count > 1) && _state.Merge is null;
                    Assert.True(fits, $"{_state} with {string.Join(' ', _state.Snapshots.Select(one => one.Layer))}; files {string.Join(' ', _files.Select(file => $"{file.Key}>{file.Value.Backing}"))}; chain {string.Join(' ', _chain ?? [])}; loose {string.Join(' ', _loose)}.");
                    return true;
                }
                Check();
            }
            return false;
        }

        private void Write(int place)
        {
            if (_chain is null)
            {
                // As a guest that comes and goes: what is done beside is broken off by it.
                _beside = null;
                _files[_state.Head!.Value].Data[place] = _content[place] = ++_count;
            }
            else _files[_chain[0]].Data[place] = _content[place] = ++_count;
        }

        private void Take()
        {
            var id = $"snap-{++_count}";
            var sight = See();
            _kept[id] = [.. _content];
            if (sight.Written != _state.Head)
            {
                Add(id, sight.Written!.Value);
                Switch();
                return;
            }
            _beside = null;
            var next = sight.Free;
            _files[next] = (_state.Head, new int?[Places]);
            var layer = _state.Head!.Value;
            _state = _state with { Head = next };
            Add(id, layer);
            if (_chain is not null) Switch();
        }

        private void Add(string id, int layer) => _state = _state with { Snapshots = [.. _state.Snapshots, new LayerSnapshot(id, layer, null, default, _chain is null ? DateTimeOffset.UnixEpoch : null, "crash")] };

        private void Switch()
        {
            if (_chain is null || _chain[0] == _state.Head) return;
            (_work, _loose) = (null, [.. _loose.Where(layer => layer != _state.Head)]);
            _chain.Insert(0, _state.Head!.Value);
            _state = _state with { Snapshots = [.. _state.Snapshots.Select(one => one.Layer != _state.Head ? one with { TakenAt = DateTimeOffset.UnixEpoch } : one)] };
        }

        private void Start()
        {
            _beside = null;
            _chain = [.. See().ChainOf(_state.Head!.Value)!.Select(layer => layer.Number)];
        }

        private bool Step(int drawn)
        {
            var isCut = drawn < 30;
            // On a store that is full, say: a part of it was done.
            if (drawn is >= 30 and < 50) Fail();
            // Work comes to its end some time.
            if (_work is { State: LayerWorkState.Running }) _work = _work with { State = LayerWorkState.Written };
            if (_beside is { State: LayerWorkState.Running, Kind: VolumeWorks.Merge } beside)
            {
                Merge(beside.Layer, _state.Merge!.Into, isCut);
                if (!isCut) _beside = beside with { State = LayerWorkState.Done };
            }
            if (_beside is { State: LayerWorkState.Running, Kind: VolumeWorks.Flatten }) _beside = _beside with { State = LayerWorkState.Done };
            if (LayerPlanner.Next(See()) is not { } step) return false;
            switch (step.Act)
            {
                case LayerAct.Dismiss: (_rests, _work) = (_rests || _work!.State == LayerWorkState.Failed, null); break;
                case LayerAct.DismissBeside: (_rests, _beside) = (true, null); break;
                case LayerAct.Cancel: _work = null; break;
                case LayerAct.Stamp: _state = _state with { Snapshots = [.. _state.Snapshots.Select(one => one.Layer == step.Layer ? one with { TakenAt = DateTimeOffset.UnixEpoch } : one)] }; break;
                case LayerAct.Switch: Switch(); break;
                case LayerAct.Drop: _loose.Remove(step.Layer); break;
                case LayerAct.Unlink:
                    Assert.DoesNotContain(step.Layer, _chain ?? []);
                    _files.Remove(step.Layer);
                    break;
                case LayerAct.Insert:
                    var over = See().Free;
                    _files[over] = (_state.Head, new int?[Places]);
                    if (!isCut) _state = _state with { Head = over, Inserted = over };
                    break;
                case LayerAct.Merge:
                    Assert.False(_rests);
                    _beside = null;
                    _state = _state with { Merge = new LayerMerge(step.Layer, step.Into, step.Over) };
                    if (isCut) break;
                    // Of the guest's own layer, never.
                    if (step.Over is not null) Assert.NotEqual(_chain![0], step.Layer);
                    if (step.Over is not null) _work = new LayerWork("w", VolumeWorks.Merge, step.Layer, LayerWorkState.Running, 0, 0, null);
                    else _beside = new LayerWork("b", VolumeWorks.Merge, step.Layer, LayerWorkState.Running, 0, 0, null);
                    break;
                case LayerAct.Finalize when _work!.Kind == VolumeWorks.Merge:
                    Merge(step.Layer, step.Into, false);
                    var above = _chain!.IndexOf(step.Layer) - 1;
                    _files[_chain[above]] = (step.Into, _files[_chain[above]].Data);
                    _chain.Remove(step.Layer);
                    _loose.Add(step.Layer);
                    _work = _work with { State = LayerWorkState.Done };
                    break;
                case LayerAct.Finalize:
                    Copy(step.Layer, step.Layer);
                    _loose.AddRange(_chain!.Skip(1));
                    _chain = [step.Layer];
                    _work = _work with { State = LayerWorkState.Done };
                    break;
                case LayerAct.FinishMerge:
                    foreach (var child in See().ChildrenOf(step.Layer).Take(isCut ? 1 : int.MaxValue)) _files[child.Number] = (step.Into, _files[child.Number].Data);
                    if (isCut) break;
                    _state = _state with { Merge = null, Head = _state.Head == step.Layer ? step.Into : _state.Head, Snapshots = [.. _state.Snapshots.Select(one => one.Layer == step.Layer ? one with { Layer = step.Into } : one)] };
                    _beside = null;
                    break;
                case LayerAct.ForgetMerge: (_beside, _state) = (null, _state with { Merge = null }); break;
                case LayerAct.Flatten when step.Over is not null: _work = new LayerWork("w", VolumeWorks.Flatten, step.Layer, LayerWorkState.Running, 0, 0, null); break;
                case LayerAct.Flatten:
                    Assert.False(_rests);
                    _beside = new LayerWork("b", VolumeWorks.Flatten, step.Layer, LayerWorkState.Running, 0, 0, null) { Into = See().Free };
                    break;
                case LayerAct.FinishFlatten:
                    var flat = step.Into;
                    Assert.DoesNotContain(flat, _files.Keys);
                    _files[flat] = (null, new int?[Places]);
                    Copy(step.Layer, flat);
                    _state = _state with { Head = flat, Inserted = null };
                    _beside = null;
                    break;
                default: throw new InvalidOperationException($"{step}");
            }
            Check();
            return true;
        }

        private void Fail()
        {
            if (_work is { State: LayerWorkState.Running }) _work = _work with { State = LayerWorkState.Failed, Words = "No space left" };
            if (_beside is not { State: LayerWorkState.Running } beside) return;
            if (beside.Kind == VolumeWorks.Merge) Merge(beside.Layer, _state.Merge!.Into, true);
            _beside = beside with { State = LayerWorkState.Failed, Words = "No space left" };
        }

        private void Merge(int from, int into, bool half)
        {
            for (var place = 0; place < (half ? Places / 2 : Places); place++) _files[into].Data[place] = _files[from].Data[place] ?? _files[into].Data[place];
        }

        private void Copy(int from, int into) => _files[into] = (null, [.. Read(from).Select(value => (int?)value)]);

        private int[] Read(int layer) => [.. Enumerable.Range(0, Places).Select(place => Read(layer, place))];

        private int Read(int? layer, int place) => layer is not { } number ? 0 : _files[number].Data[place] ?? Read(_files[number].Backing, place);

        private void Check()
        {
            Assert.Equal(_content, Read(_state.Head!.Value));
            if (_chain is not null) Assert.Equal(_content, Enumerable.Range(0, Places).Select(place => _chain.Select(layer => _files[layer].Data[place]).FirstOrDefault(value => value is not null) ?? 0));
            foreach (var snapshot in _state.Snapshots.Where(one => one.TakenAt is not null)) Assert.Equal(_kept[snapshot.Id], Read(snapshot.Layer));
        }

        private LayersSight See()
        {
            bool IsOpen(int layer) => _chain?.Contains(layer) == true || _loose.Contains(layer) || (_beside is { State: LayerWorkState.Running } beside && (beside.Layer == layer || _state.Merge?.Into == layer));
            return new LayersSight(
                _state, _files.ToDictionary(file => file.Key, file => new Layer(file.Key, file.Value.Backing, false, false, IsOpen(file.Key), _chain?[0] == file.Key, true, 1, 1)),
                _chain is null ? null : new LayerProcess([.. _chain], [.. _loose], _work is null ? [] : [_work]), _beside, new HashSet<int>(), true) { IsResting = _rests };
        }
    }
}
