using Kumoi.Cli.Local;
using Xunit;

namespace Kumoi.Agent.Tests.Local;

/// <summary>Goal: a cloud runs from a copy that is whole, of exactly the build that started it.</summary>
public sealed class ProgramsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kumoi-programs-").FullName;

    private string Program => Path.Combine(_folder, "program");

    private CloudLayout Layout => new(Path.Combine(_folder, "state"));

    public ProgramsTests()
    {
        Directory.CreateDirectory(Path.Combine(Program, "console", "assets"));
        File.WriteAllText(Path.Combine(Program, "kumoi.dll"), "program");
        File.WriteAllText(Path.Combine(Program, "console", "assets", "index.js"), "console");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_installed_copy_has_its_console_beside_it(bool named)
    {
        var target = Programs.Install(Layout, Program, named ? Path.Combine(Program, "console") : null);
        Assert.Equal(("program", "console"), (File.ReadAllText(Path.Combine(target, "kumoi.dll")), File.ReadAllText(Path.Combine(target, "console", "assets", "index.js"))));
        Assert.Equal(target, Programs.Install(Layout, Program, named ? Path.Combine(Program, "console") : null));
    }

    [Fact]
    public void What_a_killed_command_left_is_not_taken_for_a_copy_and_another_build_is_another_copy()
    {
        var first = Programs.Install(Layout, Program, null);
        Directory.Move(first, first + ".new");
        File.Delete(Path.Combine(first + ".new", "kumoi.dll"));
        Assert.True(File.Exists(Path.Combine(Programs.Install(Layout, Program, null), "kumoi.dll")));
        File.WriteAllText(Path.Combine(Program, "kumoi.dll"), "a newer program");
        var second = Programs.Install(Layout, Program, null);
        Assert.NotEqual(first, second);
        Assert.Equal("program", File.ReadAllText(Path.Combine(first, "kumoi.dll")));
    }
}
