using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Backhaul.Node.Journal;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>A store whose snapshots wait for what the test says; everything else is as it was.</summary>
[SuppressMessage("Performance", "CA1852:Seal internal types", Justification = "A proxy is made by deriving from it.")]
internal class SlowSnapshots : DispatchProxy
{
    private IJournalStore _inner = null!;
    private Task _held = Task.CompletedTask;

    public static IJournalStore Of(IJournalStore inner, Task held)
    {
        var store = Create<IJournalStore, SlowSnapshots>();
        ((SlowSnapshots)(object)store)._inner = inner;
        ((SlowSnapshots)(object)store)._held = held;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.Name == nameof(IJournalStore.SaveSnapshotAsync) ? new ValueTask<bool>(SaveAsync(targetMethod, args)) : targetMethod.Invoke(_inner, args);

    private async Task<bool> SaveAsync(MethodInfo save, object?[]? args)
    {
        await _held;
        return await (ValueTask<bool>)save.Invoke(_inner, args)!;
    }
}
